import type { CountedObject } from "../model/counting";
import { type Box, clip, isEmpty, type Point } from "../model/labels";
import { type Camera, pixelsIn, type Size, screenOf } from "./camera";
import { DirtyBoxes } from "./dirty";
import type { LabelPainter } from "./painter";

/** What is drawn beside the labels. */
export interface Scene {
  readonly picture: HTMLCanvasElement;
  readonly painter: LabelPainter;
  /** The tile within the surroundings. */
  readonly tile: Box;
  readonly camera: Camera;
  readonly selected: ReadonlySet<number>;
  readonly objects: readonly CountedObject[];
  readonly isVisible: boolean;
}

/** Half the width of the mark of a centre with its border, in screen pixels. */
const MARK = 6;

/** Draws the tile, only the part of the screen that changed, once per frame at most. */
export class Renderer {
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private scene: Scene;
  /** Parts of the screen that are out of date. */
  private readonly dirty = new DirtyBoxes();
  /** Parts of the tile whose labels are newer than their painting. */
  private readonly stale = new DirtyBoxes();
  private frame = 0;
  private size: Size = { width: 0, height: 0 };
  private ratio = 1;

  constructor(canvas: HTMLCanvasElement, scene: Scene) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("the browser gives no canvas to draw on");
    this.canvas = canvas;
    this.context = context;
    this.scene = scene;
  }

  /** Draws what differs from the scene before: of other objects only their centres, else everything. */
  setScene(scene: Scene): void {
    const before = this.scene;
    this.scene = scene;
    const { objects: _, ...rest } = scene;
    const isSame = (Object.keys(rest) as (keyof typeof rest)[]).every((key) => scene[key] === before[key]);
    if (!isSame) this.invalidate(this.screen);
    else for (const at of movedCentres(before.objects, scene.objects)) this.invalidate(this.centre(at));
  }

  /** Draws everything anew: the picture or the look of the labels has changed. */
  invalidateAll(): void {
    this.invalidate(this.screen);
  }

  resize(size: Size, ratio: number): void {
    [this.size, this.ratio] = [size, ratio];
    this.canvas.width = Math.max(1, Math.round(size.width * ratio));
    this.canvas.height = Math.max(1, Math.round(size.height * ratio));
    this.invalidate(this.screen);
  }

  /** Labels in a box of the tile have changed: they are painted and drawn with the next frame, however often they do. */
  invalidateLabels(box: Box): void {
    if (isEmpty(box)) return;
    this.stale.add(box);
    this.invalidate(screenOf(this.scene.camera, box));
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
  }

  /** Part of the screen that the mark of a centre covers. */
  private centre({ x, y }: Point): Box {
    const { scale, x: left, y: top } = this.scene.camera;
    const at = { x: (x + 0.5) * scale + left, y: (y + 0.5) * scale + top };
    return { x0: at.x - MARK, y0: at.y - MARK, x1: at.x + MARK, y1: at.y + MARK };
  }

  private get screen(): Box {
    return { x0: 0, y0: 0, x1: this.size.width, y1: this.size.height };
  }

  private invalidate(part: Box): void {
    this.dirty.add(clip(part, this.size.width, this.size.height));
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        for (const box of this.stale.take()) this.scene.painter.update(box);
        for (const box of this.dirty.take()) this.draw(box);
      });
    }
  }

  private draw(part: Box): void {
    const { context, ratio } = this;
    const { camera, painter, isVisible, selected } = this.scene;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.save();
    context.beginPath();
    context.rect(part.x0, part.y0, part.x1 - part.x0, part.y1 - part.y0);
    context.clip();
    context.fillStyle = "#05070a";
    context.fillRect(part.x0, part.y0, part.x1 - part.x0, part.y1 - part.y0);
    this.drawPixels(this.scene.picture, part, false);
    if (isVisible) {
      this.drawPixels(painter.canvas, part, true);
      context.setTransform(
        camera.scale * ratio,
        0,
        0,
        camera.scale * ratio,
        camera.x * ratio,
        camera.y * ratio,
      );
      painter.stroke(context, pixelsIn(camera, part), camera.scale, selected);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.drawFrame();
    if (isVisible) this.drawCentres(part);
    context.restore();
  }

  /** Draws the part of a canvas of tile pixels that falls into a part of the screen. */
  private drawPixels(source: HTMLCanvasElement, part: Box, isLabels: boolean): void {
    const { camera } = this.scene;
    const box = clip(pixelsIn(camera, part), source.width, source.height);
    if (isEmpty(box)) return;
    const [w, h] = [box.x1 - box.x0, box.y1 - box.y0];
    this.context.imageSmoothingEnabled = !isLabels && camera.scale < 1;
    const { scale, x, y } = camera;
    this.context.drawImage(
      source,
      box.x0,
      box.y0,
      w,
      h,
      box.x0 * scale + x,
      box.y0 * scale + y,
      w * scale,
      h * scale,
    );
  }

  /** Darkens what lies around the tile, and frames it. */
  private drawFrame(): void {
    const { context, scene, size } = this;
    const { scale, x, y } = scene.camera;
    const { x0, y0, x1, y1 } = scene.tile;
    const [left, top, right, bottom] = [x0 * scale + x, y0 * scale + y, x1 * scale + x, y1 * scale + y];
    context.fillStyle = "rgb(5 8 12 / 0.42)";
    context.beginPath();
    context.rect(0, 0, size.width, size.height);
    context.rect(left, top, right - left, bottom - top);
    context.fill("evenodd");
    context.setLineDash([]);
    context.strokeStyle = "#ffd166";
    context.lineWidth = 1.5;
    context.strokeRect(left, top, right - left, bottom - top);
  }

  /** A filled dot for an object that counts in this tile, a ring for one that counts elsewhere. */
  private drawCentres(part: Box): void {
    const { context, scene } = this;
    const { scale, x, y } = scene.camera;
    if (scale < 1.2) return;
    context.lineWidth = 1.4;
    for (const object of scene.objects) {
      const at = { x: (object.x + 0.5) * scale + x, y: (object.y + 0.5) * scale + y };
      const isOut =
        at.x < part.x0 - MARK || at.x > part.x1 + MARK || at.y < part.y0 - MARK || at.y > part.y1 + MARK;
      if (isOut) continue;
      context.beginPath();
      context.arc(at.x, at.y, 3, 0, 2 * Math.PI);
      context.strokeStyle = object.counts ? "rgb(0 0 0 / 0.8)" : "#ffffff";
      context.fillStyle = object.counts ? "#ffffff" : "rgb(0 0 0 / 0.55)";
      context.fill();
      context.stroke();
    }
  }
}

/** Where marks of centres come, go or look another way. */
export function movedCentres(before: readonly CountedObject[], after: readonly CountedObject[]): Point[] {
  if (before === after) return [];
  const left = new Map(before.map((object) => [object.label, object]));
  const moved: Point[] = [];
  for (const object of after) {
    const old = left.get(object.label);
    left.delete(object.label);
    if (old && old.x === object.x && old.y === object.y && old.counts === object.counts) continue;
    moved.push(object);
    if (old) moved.push(old);
  }
  return [...moved, ...left.values()];
}
