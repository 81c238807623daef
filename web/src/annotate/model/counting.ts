import type { Box, Labels, Point } from "./labels";

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

/**
 * Centre of mass and area of every object. An object counts in the tile that holds its centre, which gives
 * each object of an image to exactly one tile; a centre on the border between two belongs to the later one.
 */
export function countObjects({ width, height, data }: Labels, tile: Box, cuts = NO_CUTS): CountedObject[] {
  const sums = new Map<number, { n: number; x: number; y: number; isCut: boolean }>();
  for (let i = 0; i < data.length; i++) {
    const label = data[i] as number;
    if (label === 0) continue;
    let sum = sums.get(label);
    if (!sum) {
      sum = { n: 0, x: 0, y: 0, isCut: false };
      sums.set(label, sum);
    }
    const x = i % width;
    const y = (i - x) / width;
    sum.n += 1;
    sum.x += x;
    sum.y += y;
    if ((cuts.left && x === 0) || (cuts.top && y === 0)) sum.isCut = true;
    if ((cuts.right && x === width - 1) || (cuts.bottom && y === height - 1)) sum.isCut = true;
  }
  return [...sums]
    .map(([label, { n, x, y, isCut }]) => {
      const centre = { x: x / n, y: y / n };
      const [column, row] = [Math.floor(centre.x + 0.5), Math.floor(centre.y + 0.5)];
      const counts = column >= tile.x0 && column < tile.x1 && row >= tile.y0 && row < tile.y1;
      return { label, area: n, ...centre, counts, isCut };
    })
    .sort((a, b) => a.label - b.label);
}
