import { labelAt, type Point } from "../model/labels";
import { modelGesture } from "./model";
import { deleteGesture, fillGesture, mergeGesture, pickGesture } from "./objects";
import { fillOutline, lassoGesture, splitGesture } from "./outline";
import { strokeGesture } from "./stroke";
import type { Gesture, Modifiers, ToolHost } from "./types";

const CLOSES_WITHIN = 6;

/** Turns presses, moves and releases into operations on the tile. */
export class ToolRunner {
  private readonly host: ToolHost;
  private gesture: Gesture | null = null;
  private corners: Point[] = [];
  private clicks: { inside: Point[]; outside: Point[]; label: number } | null = null;

  constructor(host: ToolHost) {
    this.host = host;
  }

  get isBusy(): boolean {
    return this.gesture !== null;
  }

  /** `scale`: screen pixels per pixel of the tile. */
  press(at: Point, modifiers: Modifiers, scale: number): void {
    const { tool } = this.host.settings();
    if (tool !== "polygon") this.dropCorners();
    if (tool !== "click-segment") this.clicks = null;
    this.gesture = this.begin(at, modifiers, scale);
  }

  move(at: Point): void {
    if (this.gesture) this.gesture.move(at);
    else if (this.corners.length > 0) this.host.preview([...this.corners, at], true);
  }

  release(at: Point): void {
    this.gesture?.end(at);
    this.gesture = null;
  }

  /** The pointer was taken away, or the tool changed. Nothing that was drawn is lost. */
  cancel(): void {
    this.gesture?.cancel();
    this.gesture = null;
    this.clicks = null;
    this.dropCorners();
  }

  /** Enter or double click: closes a polygon. */
  finish(modifiers: Modifiers): void {
    if (this.corners.length < 3) return;
    const corners = this.corners;
    this.dropCorners();
    fillOutline(this.host, "polygon", corners, modifiers);
  }

  private begin(at: Point, modifiers: Modifiers, scale: number): Gesture | null {
    const { host } = this;
    switch (host.settings().tool) {
      case "brush":
        return strokeGesture(host, at, modifiers, false);
      case "erase":
        return strokeGesture(host, at, modifiers, true);
      case "lasso":
        return lassoGesture(host, at, modifiers);
      case "split":
        return splitGesture(host, at);
      case "pick":
        return pickGesture(host, at, modifiers);
      case "fill":
        return fillGesture(host, at, modifiers);
      case "merge":
        return mergeGesture(host, at);
      case "delete":
        return deleteGesture(host, at);
      case "model":
        return modelGesture(host, at, modifiers, scale);
      case "polygon":
        this.corner(at, modifiers, scale);
        return null;
      case "click-segment":
        this.click(at, modifiers);
        return null;
      case "pan":
        return null;
    }
  }

  private corner(at: Point, modifiers: Modifiers, scale: number): void {
    const first = this.corners[0];
    const isClosing =
      first && this.corners.length > 2 && Math.hypot(at.x - first.x, at.y - first.y) * scale < CLOSES_WITHIN;
    if (isClosing) {
      this.finish(modifiers);
      return;
    }
    this.corners.push(at);
    this.host.preview(this.corners, true);
  }

  /** A click starts an object; shift adds to it, alt says what is not it. */
  private click(at: Point, { shift, alt }: Modifiers): void {
    const { document } = this.host.session;
    const refines = (shift || alt) && this.clicks !== null;
    if (!refines) {
      if (alt) return;
      const under = labelAt(document.labels, at);
      if (under !== 0 && !shift) {
        this.host.select([under]);
        return;
      }
      this.clicks = { inside: [at], outside: [], label: document.freshLabel() };
    } else if (this.clicks) {
      (alt ? this.clicks.outside : this.clicks.inside).push(at);
    }
    if (this.clicks) this.host.segment({ ...this.clicks, refines });
  }

  private dropCorners(): void {
    if (this.corners.length === 0) return;
    this.corners = [];
    this.host.preview(null, true);
  }
}
