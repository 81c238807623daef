/** Label image of one tile with its surroundings: 0 is background, every other number one object. */
export interface Labels {
  readonly width: number;
  readonly height: number;
  /** Row by row, `width * height` values, never negative. */
  readonly data: Int32Array;
}

/** Half-open rectangle of pixels: `x0 <= x < x1`, `y0 <= y < y1`. */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** A place in pixels; whole numbers are pixel centres. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export const EMPTY_BOX: Box = { x0: 0, y0: 0, x1: 0, y1: 0 };

/** Makes a label image; without data an empty one. Data of the wrong length is an error. */
export function makeLabels(width: number, height: number, data?: Int32Array): Labels {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`a label image of ${width} × ${height} pixels is not possible; give at least 1 × 1`);
  }
  if (data && data.length !== width * height) {
    throw new RangeError(`${data.length} labels do not fill ${width} × ${height} pixels`);
  }
  return { width, height, data: data ?? new Int32Array(width * height) };
}

/** Label at a pixel, 0 outside the image. */
export function labelAt(labels: Labels, { x, y }: Point): number {
  const column = Math.round(x);
  const row = Math.round(y);
  if (column < 0 || row < 0 || column >= labels.width || row >= labels.height) return 0;
  return labels.data[row * labels.width + column] as number;
}

/** Bounding box of a label, `EMPTY_BOX` if no pixel has it. */
export function boxOf(labels: Labels, label: number): Box {
  const { width, height, data } = labels;
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== label) continue;
    const x = i % width;
    const y = (i - x) / width;
    if (x < x0) x0 = x;
    if (x >= x1) x1 = x + 1;
    if (y < y0) y0 = y;
    if (y >= y1) y1 = y + 1;
  }
  return x1 > x0 ? { x0, y0, x1, y1 } : EMPTY_BOX;
}

/** The part of a box that lies in an image. */
export function clip(box: Box, width: number, height: number): Box {
  const clipped = {
    x0: Math.max(0, Math.floor(box.x0)),
    y0: Math.max(0, Math.floor(box.y0)),
    x1: Math.min(width, Math.ceil(box.x1)),
    y1: Math.min(height, Math.ceil(box.y1)),
  };
  return isEmpty(clipped) ? EMPTY_BOX : clipped;
}

export function isEmpty(box: Box): boolean {
  return box.x1 <= box.x0 || box.y1 <= box.y0;
}

/** Smallest box that holds both. */
export function union(a: Box, b: Box): Box {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}
