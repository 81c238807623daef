import type { Box, Labels, Point } from "./labels";
import type { Patch } from "./patch";

/** An object of the tile, and whether it counts here. */
export interface CountedObject extends Point {
  readonly label: number;
  readonly area: number;
  /** Its centre lies in the tile; the server counts by the same rule. */
  readonly counts: boolean;
  /** It reaches the border of what is shown, so that its true centre may be elsewhere. */
  readonly isCut: boolean;
}

/** At which sides the image goes on beyond what is shown. */
export interface Cuts {
  readonly left: boolean;
  readonly top: boolean;
  readonly right: boolean;
  readonly bottom: boolean;
}

const NO_CUTS: Cuts = { left: false, top: false, right: false, bottom: false };

/**
 * Sides at which the image goes on: the surroundings have the same width all around, and less only where
 * the image ends.
 */
export function cutsOf(tile: Box, shown: { width: number; height: number }): Cuts {
  const margins = [tile.x0, tile.y0, shown.width - tile.x1, shown.height - tile.y1] as const;
  const whole = Math.max(...margins);
  const [left, top, right, bottom] = margins.map((margin) => whole > 0 && margin === whole);
  return { left: left === true, top: top === true, right: right === true, bottom: bottom === true };
}

/** Sums over the pixels of one object: their number, x and y, and how many lie on each border of the picture. */
interface Sums {
  n: number;
  x: number;
  y: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Sums of all objects of a label image, kept up to date change by change: a stroke costs what it changes. */
export class ObjectSums {
  private readonly width: number;
  private readonly height: number;
  private readonly sums = new Map<number, Sums>();

  constructor({ width, height, data }: Labels) {
    this.width = width;
    this.height = height;
    let start = 0;
    for (let i = 1; i <= data.length; i++) {
      if (i < data.length && data[i] === data[start]) continue;
      this.add(data[start] as number, start, i, 1);
      start = i;
    }
  }

  /** Takes over a change of the label image. */
  apply(patch: Patch): void {
    for (let i = 0; i < patch.length; i += 4) {
      const start = patch[i] as number;
      const end = start + (patch[i + 1] as number);
      this.add(patch[i + 2] as number, start, end, -1);
      this.add(patch[i + 3] as number, start, end, 1);
    }
  }

  /** Labels that have pixels, in no order. */
  labels(): IterableIterator<number> {
    return this.sums.keys();
  }

  /** Pixels of an object, 0 if there is none. */
  sizeOf(label: number): number {
    return this.sums.get(label)?.n ?? 0;
  }

  /**
   * Centre of mass and area of every object. An object counts in the tile that holds its centre, which gives
   * each object of an image to exactly one tile; a centre on the border between two belongs to the later one.
   */
  objects(tile: Box, cuts = NO_CUTS): CountedObject[] {
    return [...this.sums]
      .map(([label, { n, x, y, left, top, right, bottom }]) => {
        const centre = { x: x / n, y: y / n };
        const [column, row] = [Math.floor(centre.x + 0.5), Math.floor(centre.y + 0.5)];
        const counts = column >= tile.x0 && column < tile.x1 && row >= tile.y0 && row < tile.y1;
        const isCut =
          (cuts.left && left > 0) ||
          (cuts.top && top > 0) ||
          (cuts.right && right > 0) ||
          (cuts.bottom && bottom > 0);
        return { label, area: n, ...centre, counts, isCut };
      })
      .sort((a, b) => a.label - b.label);
  }

  /** Adds (`sign` 1) or takes away (-1) the pixels of a run, row by row. */
  private add(label: number, start: number, end: number, sign: 1 | -1): void {
    if (label === 0) return;
    let sum = this.sums.get(label);
    if (!sum) {
      sum = { n: 0, x: 0, y: 0, left: 0, top: 0, right: 0, bottom: 0 };
      this.sums.set(label, sum);
    }
    for (let from = start; from < end; ) {
      const y = Math.floor(from / this.width);
      const x = from - y * this.width;
      const n = Math.min(end - from, this.width - x);
      sum.n += sign * n;
      sum.x += sign * n * (x + (n - 1) / 2);
      sum.y += sign * n * y;
      if (x === 0) sum.left += sign;
      if (x + n === this.width) sum.right += sign;
      if (y === 0) sum.top += sign * n;
      if (y === this.height - 1) sum.bottom += sign * n;
      from += n;
    }
    if (sum.n === 0) this.sums.delete(label);
  }
}
