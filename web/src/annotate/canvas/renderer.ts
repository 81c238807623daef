import type { CountedObject } from "../model/counting";
import { type Box, clip, isEmpty, union } from "../model/labels";
import { type Camera, pixelsIn, type Size, screenOf } from "./camera";
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

/** Draws the tile, only the part of the screen that changed, once per frame at most. */
export class Renderer {
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private scene: Scene;
  private dirty: Box;
  private frame = 0;
  private size: Size = { width: 0, height: 0 };
  private ratio = 1;

  constructor(canvas: HTMLCanvasElement, scene: Scene) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("the browser gives no canvas to draw on");
    this.canvas = canvas;
    this.context = context;
    this.scene = scene;
    this.dirty = this.screen;
  }

  setScene(scene: Scene): void {
    this.scene = scene;
    this.invalidate(this.screen);
  }

  resize(size: Size, ratio: number): void {
    [this.size, this.ratio] = [size, ratio];
    this.canvas.width = Math.max(1, Math.round(size.width * ratio));
    this.canvas.height = Math.max(1, Math.round(size.height * ratio));
    this.invalidate(this.screen);
  }

  /** Asks for a box of the tile to be drawn anew. */
  invalidatePixels(box: Box): void {
    if (!isEmpty(box)) this.invalidate(screenOf(this.scene.camera, box));
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
  }

  private get screen(): Box {
    return { x0: 0, y0: 0, x1: this.size.width, y1: this.size.height };
  }

  private invalidate(part: Box): void {
    this.dirty = union(this.dirty, clip(part, this.size.width, this.size.height));
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  private draw(): void {
    const part = this.dirty;
    this.dirty = { x0: 0, y0: 0, x1: 0, y1: 0 };
    if (isEmpty(part)) return;
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
      if (at.x < part.x0 - 6 || at.x > part.x1 + 6 || at.y < part.y0 - 6 || at.y > part.y1 + 6) continue;
      context.beginPath();
      context.arc(at.x, at.y, 3, 0, 2 * Math.PI);
      context.strokeStyle = object.counts ? "rgb(0 0 0 / 0.8)" : "#ffffff";
      context.fillStyle = object.counts ? "#ffffff" : "rgb(0 0 0 / 0.55)";
      context.fill();
      context.stroke();
    }
  }
}
