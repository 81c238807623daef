import type { Box, Labels } from "../model/labels";

/** Side of the squares in which outlines are kept, in pixels; a stroke renews those that it touched. */
export const BLOCK = 64;

/** A straight piece of an outline along the edges of pixels, in pixel corners. */
export type Segment = readonly [x0: number, y0: number, x1: number, y1: number];

/** Outlines of the objects in a box: for every label the edges between its pixels and all others. */
export function outlineSegments({ width, height, data }: Labels, box: Box): Map<number, Segment[]> {
  const found = new Map<number, Segment[]>();
  const add = (label: number, segment: Segment) => {
    const list = found.get(label);
    if (list) list.push(segment);
    else found.set(label, [segment]);
  };
  const { x0, y0, x1, y1 } = box;
  for (let y = y0; y < y1; y++) {
    const row = { start: y * width + x0, step: 1, count: x1 - x0 };
    const line = (at: number) => (label: number, from: number, to: number) =>
      add(label, [x0 + from, at, x0 + to, at]);
    runs(data, row, y > 0 ? -width : 0, line(y));
    runs(data, row, y < height - 1 ? width : 0, line(y + 1));
  }
  for (let x = x0; x < x1; x++) {
    const column = { start: y0 * width + x, step: width, count: y1 - y0 };
    const line = (at: number) => (label: number, from: number, to: number) =>
      add(label, [at, y0 + from, at, y0 + to]);
    runs(data, column, x > 0 ? -1 : 0, line(x));
    runs(data, column, x < width - 1 ? 1 : 0, line(x + 1));
  }
  return found;
}

/** Runs of one label along a row or column whose neighbours to one side are others; `side` 0: the image ends. */
function runs(
  data: Int32Array,
  { start, step, count }: { start: number; step: number; count: number },
  side: number,
  give: (label: number, from: number, to: number) => void,
): void {
  let first = 0;
  let label = 0;
  for (let i = 0, place = start; i < count; i++, place += step) {
    const own = data[place] as number;
    const next = own !== 0 && (side === 0 || data[place + side] !== own) ? own : 0;
    if (next === label) continue;
    if (label !== 0) give(label, first, i);
    first = i;
    label = next;
  }
  if (label !== 0) give(label, first, count);
}
