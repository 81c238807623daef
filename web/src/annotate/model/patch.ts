import { type Box, EMPTY_BOX, type Labels } from "./labels";

/**
 * What an operation changed, so that it can be taken back and done again exactly.
 *
 * Runs of four numbers, sorted by start: first pixel (row by row), length, label before, label after.
 * Within a run all pixels had the one label and have the other.
 */
export type Patch = Int32Array<ArrayBuffer>;

const RUN = 4;

export class PatchError extends Error {}

/** Writes pixels and remembers what was there, each pixel once however often it is written. */
export class Recorder {
  readonly labels: Labels;
  private readonly touched: Uint8Array;
  private readonly before: Int32Array;
  private places: number[] = [];

  constructor(labels: Labels) {
    this.labels = labels;
    this.touched = new Uint8Array(labels.data.length);
    this.before = new Int32Array(labels.data.length);
  }

  set(place: number, label: number): void {
    const { data } = this.labels;
    const old = data[place] as number;
    if (old === label) return;
    if (this.touched[place] === 0) {
      this.touched[place] = 1;
      this.before[place] = old;
      this.places.push(place);
    }
    data[place] = label;
  }

  /** Label that a pixel had when the recording began. */
  original(place: number): number {
    return this.touched[place] ? (this.before[place] as number) : (this.labels.data[place] as number);
  }

  get isEmpty(): boolean {
    return this.places.length === 0;
  }

  /** The change since the last call; the recorder is ready for the next. */
  take(): Patch {
    const places = Int32Array.from(this.places).sort();
    this.places = [];
    const runs: number[] = [];
    for (const place of places) {
      this.touched[place] = 0;
      const before = this.before[place] as number;
      const after = this.labels.data[place] as number;
      if (before === after) continue;
      const last = runs.length - RUN;
      const continues =
        last >= 0 &&
        (runs[last] as number) + (runs[last + 1] as number) === place &&
        runs[last + 2] === before &&
        runs[last + 3] === after;
      if (continues) runs[last + 1] = (runs[last + 1] as number) + 1;
      else runs.push(place, 1, before, after);
    }
    return Int32Array.from(runs);
  }
}

/** Runs a function that writes through a recorder, and gives what it changed. */
export function record(labels: Labels, write: (recorder: Recorder) => void): Patch {
  const recorder = new Recorder(labels);
  write(recorder);
  return recorder.take();
}

/** The patch that takes another back. */
export function invert(patch: Patch): Patch {
  const inverse = patch.slice();
  for (let i = 0; i < inverse.length; i += RUN) {
    inverse[i + 2] = patch[i + 3] as number;
    inverse[i + 3] = patch[i + 2] as number;
  }
  return inverse;
}

/** Changes the labels in place. If a pixel is not as the patch found it, nothing changes and it is an error. */
export function apply(labels: Labels, patch: Patch): void {
  const { data } = labels;
  for (const { start, end, before } of runsOf(patch)) {
    if (start < 0 || end > data.length) {
      throw new PatchError(`the change reaches pixel ${end} of an image of ${data.length}`);
    }
    for (let i = start; i < end; i++) {
      if (data[i] !== before) {
        throw new PatchError(`pixel ${i} has label ${data[i]}, but the change was made to label ${before}`);
      }
    }
  }
  for (const { start, end, after } of runsOf(patch)) data.fill(after, start, end);
}

/** Smallest box that holds every changed pixel. */
export function boxOfPatch(patch: Patch, width: number): Box {
  if (patch.length === 0) return EMPTY_BOX;
  let [x0, y0, x1, y1] = [width, Number.MAX_SAFE_INTEGER, 0, 0];
  for (const { start, end } of runsOf(patch)) {
    const first = Math.floor(start / width);
    const last = Math.floor((end - 1) / width);
    y0 = Math.min(y0, first);
    y1 = Math.max(y1, last + 1);
    if (last > first) [x0, x1] = [0, width];
    else {
      x0 = Math.min(x0, start - first * width);
      x1 = Math.max(x1, end - first * width);
    }
  }
  return { x0, y0, x1, y1 };
}

/** Every label that lost or gained a pixel, background left out. */
export function labelsOf(patch: Patch): Set<number> {
  const found = new Set<number>();
  for (const { before, after } of runsOf(patch)) found.add(before).add(after);
  found.delete(0);
  return found;
}

/** Number of pixels that a patch changes. */
export function sizeOf(patch: Patch): number {
  let size = 0;
  for (let i = 1; i < patch.length; i += RUN) size += patch[i] as number;
  return size;
}

function* runsOf(patch: Patch): Generator<{ start: number; end: number; before: number; after: number }> {
  for (let i = 0; i < patch.length; i += RUN) {
    const start = patch[i] as number;
    yield {
      start,
      end: start + (patch[i + 1] as number),
      before: patch[i + 2] as number,
      after: patch[i + 3] as number,
    };
  }
}
