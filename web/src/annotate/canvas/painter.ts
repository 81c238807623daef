import type { ObjectStatus } from "../model/edit";
import { type Box, clip, type Labels } from "../model/labels";
import { type ObjectLook, objectColor } from "./look";
import { BLOCK, outlineSegments } from "./outlines";

type Outlines = ReadonlyMap<number, Path2D>;

/** Keeps the drawing of a label image up to date, changed parts only. */
export class LabelPainter {
  /** One pixel for each label, filled without outlines. */
  readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly labels: Labels;
  private readonly status: ReadonlyMap<number, ObjectStatus>;
  private readonly columns: number;
  private readonly blocks: Outlines[];
  private look: ObjectLook;

  constructor(labels: Labels, status: ReadonlyMap<number, ObjectStatus>, look: ObjectLook) {
    this.labels = labels;
    this.status = status;
    this.look = look;
    this.canvas = document.createElement("canvas");
    this.canvas.width = labels.width;
    this.canvas.height = labels.height;
    const context = this.canvas.getContext("2d");
    if (!context) throw new Error("the browser gives no canvas to draw on");
    this.context = context;
    this.columns = Math.ceil(labels.width / BLOCK);
    this.blocks = new Array<Outlines>(this.columns * Math.ceil(labels.height / BLOCK)).fill(new Map());
    this.update({ x0: 0, y0: 0, x1: labels.width, y1: labels.height });
  }

  setLook(look: ObjectLook): void {
    this.look = look;
    this.fill({ x0: 0, y0: 0, x1: this.labels.width, y1: this.labels.height });
  }

  /** Renews a box whose labels, or the status of whose objects, changed. */
  update(box: Box): void {
    this.fill(box);
    this.outline(box);
  }

  /** Draws the outlines near a box; the context is scaled to pixels of the label image. */
  stroke(context: CanvasRenderingContext2D, box: Box, scale: number, selected: ReadonlySet<number>): void {
    if (!this.look.isVisible || this.look.outline === 0) return;
    context.lineCap = "square";
    for (const block of this.blocksIn(box)) {
      for (const [label, path] of this.blocks[block] ?? []) {
        const status = this.status.get(label);
        const isSelected = selected.has(label);
        const [r, g, b] = isSelected ? [255, 255, 255] : objectColor(label, status, this.look.seed);
        context.strokeStyle = `rgb(${r} ${g} ${b})`;
        context.lineWidth = (this.look.outline + (isSelected ? 1 : 0)) / scale;
        context.setLineDash(status === "proposed" ? [5 / scale, 4 / scale] : []);
        context.stroke(path);
      }
    }
    context.setLineDash([]);
  }

  private fill(box: Box): void {
    const { x0, y0, x1, y1 } = clip(box, this.labels.width, this.labels.height);
    if (x1 <= x0 || y1 <= y0) return;
    const picture = this.context.createImageData(x1 - x0, y1 - y0);
    const pixels = new Uint32Array(picture.data.buffer);
    const colors = new Map<number, number>([[0, 0]]);
    let place = 0;
    for (let y = y0; y < y1; y++) {
      for (let i = y * this.labels.width + x0; i < y * this.labels.width + x1; i++) {
        const label = this.labels.data[i] as number;
        let color = colors.get(label);
        if (color === undefined) {
          color = this.fillColor(label);
          colors.set(label, color);
        }
        pixels[place++] = color;
      }
    }
    this.context.putImageData(picture, x0, y0);
  }

  private fillColor(label: number): number {
    const [r, g, b] = objectColor(label, this.status.get(label), this.look.seed);
    const alpha = Math.round(255 * this.look.fill);
    return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }

  private outline(box: Box): void {
    const around = { x0: box.x0 - 1, y0: box.y0 - 1, x1: box.x1 + 1, y1: box.y1 + 1 };
    for (const block of this.blocksIn(around)) {
      const [column, row] = [block % this.columns, Math.floor(block / this.columns)];
      const square = {
        x0: column * BLOCK,
        y0: row * BLOCK,
        x1: Math.min(this.labels.width, (column + 1) * BLOCK),
        y1: Math.min(this.labels.height, (row + 1) * BLOCK),
      };
      const paths = new Map<number, Path2D>();
      for (const [label, segments] of outlineSegments(this.labels, square)) {
        const path = new Path2D();
        for (const [xa, ya, xb, yb] of segments) {
          path.moveTo(xa, ya);
          path.lineTo(xb, yb);
        }
        paths.set(label, path);
      }
      this.blocks[block] = paths;
    }
  }

  private *blocksIn(box: Box): Generator<number> {
    const { x0, y0, x1, y1 } = clip(box, this.labels.width, this.labels.height);
    if (x1 <= x0 || y1 <= y0) return;
    for (let row = Math.floor(y0 / BLOCK); row * BLOCK < y1; row++) {
      for (let column = Math.floor(x0 / BLOCK); column * BLOCK < x1; column++) {
        yield row * this.columns + column;
      }
    }
  }
}
