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

/**
 * Centre of mass and area of every object. An object counts in the tile that holds its centre, which gives
 * each object of an image to exactly one tile; a centre on the border between two belongs to the later one.
 */
export function countObjects({ width, height, data }: Labels, tile: Box): CountedObject[] {
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
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) sum.isCut = true;
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
