import { components, flood, neighbours } from "./components";
import type { Labels, Point } from "./labels";
import { type Patch, type Recorder, record } from "./patch";
import { capsule, line, polygon } from "./shapes";

/** What painting may overwrite: everything, or only background and the object itself. */
export type Overwrite = "everything" | "background";

/** One piece of a brush stroke, from one pointer position to the next. Label 0 erases. */
export interface Dab {
  readonly from: Point;
  readonly to: Point;
  readonly radius: number;
  readonly label: number;
  readonly overwrite: Overwrite;
}

/** Paints through a recorder, so that many dabs make one stroke. */
export function paint(recorder: Recorder, dab: Dab): void {
  capsule(recorder.labels, dab.from, dab.to, dab.radius, brushOf(recorder, dab.label, dab.overwrite));
}

/** Fills a polygon or lasso with a label; label 0 cuts it out. */
export function fillPolygon(
  labels: Labels,
  corners: readonly Point[],
  label: number,
  overwrite: Overwrite,
): Patch {
  return record(labels, (recorder) => polygon(labels, corners, brushOf(recorder, label, overwrite)));
}

/** Gives the pixels connected by side to `at` that have the same label as it a new label. */
export function floodFill(labels: Labels, at: Point, label: number): Patch {
  const start = placeOf(labels, at);
  if (start === null) return new Int32Array(0);
  const old = labels.data[start];
  return record(labels, (recorder) => {
    flood(
      labels,
      start,
      (place) => recorder.original(place) === old,
      (place) => recorder.set(place, label),
    );
  });
}

/** Fills what an object encloses: background that cannot reach the border of the image without crossing it. */
export function fillHoles(labels: Labels, label: number): Patch {
  const { width, height, data } = labels;
  const outside = new Uint8Array(data.length);
  const stack: number[] = [];
  const enter = (place: number) => {
    if (outside[place] || data[place] === label) return;
    outside[place] = 1;
    stack.push(place);
  };
  for (let x = 0; x < width; x++) [x, (height - 1) * width + x].forEach(enter);
  for (let y = 0; y < height; y++) [y * width, y * width + width - 1].forEach(enter);
  while (stack.length > 0) neighbours(labels, stack.pop() as number, false, enter);
  return record(labels, (recorder) => {
    for (let i = 0; i < data.length; i++) if (!outside[i] && data[i] === 0) recorder.set(i, label);
  });
}

/** Makes one object of several: all get the label of the first. */
export function merge(labels: Labels, chosen: readonly number[]): Patch {
  const [keep, ...rest] = chosen;
  const gone = new Set(rest.filter((label) => label !== 0 && label !== keep));
  if (keep === undefined || keep === 0 || gone.size === 0) return new Int32Array(0);
  return record(labels, (recorder) => {
    labels.data.forEach((label, i) => {
      if (gone.has(label)) recorder.set(i, keep);
    });
  });
}

/** Deletes objects: their pixels become background. */
export function remove(labels: Labels, chosen: Iterable<number>): Patch {
  const gone = new Set(chosen);
  gone.delete(0);
  return record(labels, (recorder) => {
    labels.data.forEach((label, i) => {
      if (gone.has(label)) recorder.set(i, 0);
    });
  });
}

/**
 * Splits objects along a drawn line. The largest part keeps the label, the others get new ones, and no
 * pixel is lost: those under the line go to the nearest part.
 *
 * Without `label` every object that the line cuts in two is split; objects that it only touches stay whole.
 */
export function split(labels: Labels, path: readonly Point[], fresh: () => number, label?: number): Patch {
  const cut = new Set<number>();
  for (let i = 0; i + 1 < path.length; i++) {
    line(labels, path[i] as Point, path[i + 1] as Point, (place) => cut.add(place));
  }
  const under = new Set([...cut].map((place) => labels.data[place] as number));
  under.delete(0);
  const objects = label === undefined ? [...under] : [...under].filter((each) => each === label);
  return record(labels, (recorder) => {
    for (const each of objects) splitOne(recorder, each, cut, fresh);
  });
}

function splitOne(recorder: Recorder, label: number, cut: ReadonlySet<number>, fresh: () => number): void {
  const { labels } = recorder;
  const inside = (place: number) => labels.data[place] === label && !cut.has(place);
  // Parts that were apart before the cut are no result of it: only what lies at the line is looked at.
  const beside: number[] = [];
  for (const place of cut) {
    if (labels.data[place] === label) neighbours(labels, place, false, (next) => beside.push(next));
  }
  const parts = components(labels, beside, inside);
  if (parts.length < 2) return;
  const owner = new Map<number, number>();
  parts.forEach((part, i) => {
    const name = i === 0 ? label : fresh();
    for (const place of part) owner.set(place, name);
  });
  const line = [...cut].filter((place) => labels.data[place] === label);
  for (const place of nearest(labels, line, owner)) recorder.set(place, owner.get(place) as number);
  for (const [place, name] of owner) recorder.set(place, name);
}

/** Gives the pixels of the line to the parts, ring by ring, and returns them. */
function nearest(labels: Labels, line: readonly number[], owner: Map<number, number>): number[] {
  let rest = [...line];
  const done: number[] = [];
  while (rest.length > 0) {
    const found = rest.flatMap((place) => {
      let name: number | undefined;
      neighbours(labels, place, true, (next) => {
        name ??= owner.get(next);
      });
      return name === undefined ? [] : [[place, name] as const];
    });
    if (found.length === 0) break;
    for (const [place, name] of found) owner.set(place, name);
    done.push(...found.map(([place]) => place));
    rest = rest.filter((place) => !owner.has(place));
  }
  return done;
}

function brushOf(recorder: Recorder, label: number, overwrite: Overwrite): (place: number) => void {
  if (overwrite === "everything" || label === 0) return (place) => recorder.set(place, label);
  const { data } = recorder.labels;
  return (place) => {
    if (data[place] === 0) recorder.set(place, label);
  };
}

function placeOf({ width, height }: Labels, { x, y }: Point): number | null {
  const [column, row] = [Math.round(x), Math.round(y)];
  return column < 0 || row < 0 || column >= width || row >= height ? null : row * width + column;
}
