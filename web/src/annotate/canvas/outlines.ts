import type { Box, Labels } from "../model/labels";

/** Side of the squares in which outlines are kept, in pixels; a stroke renews those that it touched. */
export const BLOCK = 64;

/** A straight piece of an outline along the edges of pixels, in pixel corners. */
export type Segment = readonly [x0: number, y0: number, x1: number, y1: number];

/** Outlines of the objects in a box: for every label the edges between its pixels and all others. */
export function outlineSegments({ width, height, data }: Labels, box: Box): Map<number, Segment[]> {
  const found = new Map<number, Segment[]>();
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : (data[y * width + x] as number);
  const add = (label: number, segment: Segment) => {
    const list = found.get(label);
    if (list) list.push(segment);
    else found.set(label, [segment]);
  };
  for (let y = box.y0; y < box.y1; y++) {
    for (const side of [-1, 1]) {
      walk(
        box.x0,
        box.x1,
        (x) => edge(at(x, y), at(x, y + side)),
        (label, from, to) => {
          const line = side < 0 ? y : y + 1;
          add(label, [from, line, to, line]);
        },
      );
    }
  }
  for (let x = box.x0; x < box.x1; x++) {
    for (const side of [-1, 1]) {
      walk(
        box.y0,
        box.y1,
        (y) => edge(at(x, y), at(x + side, y)),
        (label, from, to) => {
          const line = side < 0 ? x : x + 1;
          add(label, [line, from, line, to]);
        },
      );
    }
  }
  return found;
}

function edge(label: number, neighbour: number): number {
  return label !== neighbour ? label : 0;
}

/** Joins neighbouring places with the same label to runs. */
function walk(
  from: number,
  to: number,
  labelAt: (place: number) => number,
  give: (label: number, from: number, to: number) => void,
): void {
  let start = from;
  let label = 0;
  for (let place = from; place <= to; place++) {
    const next = place < to ? labelAt(place) : 0;
    if (next === label) continue;
    if (label !== 0) give(label, start, place);
    [start, label] = [place, next];
  }
}
