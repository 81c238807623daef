import { type Box, clip, type Point } from "../model/labels";

/** A grey picture, row by row. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Cuts a box out of a picture. */
export function crop<T extends Float32Array | Int32Array>(data: T, width: number, box: Box): T {
  const [w, h] = [box.x1 - box.x0, box.y1 - box.y0];
  const part = new (data.constructor as new (length: number) => T)(w * h);
  for (let y = 0; y < h; y++) {
    const start = (box.y0 + y) * width + box.x0;
    part.set(data.subarray(start, start + w), y * w);
  }
  return part;
}

/** Box around points with a border, inside the image. */
export function around(points: readonly Point[], border: number, width: number, height: number): Box {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const box = {
    x0: Math.min(...xs) - border,
    y0: Math.min(...ys) - border,
    x1: Math.max(...xs) + border + 1,
    y1: Math.max(...ys) + border + 1,
  };
  return clip(box, width, height);
}

/** Gaussian blur, borders repeated. */
export function blur({ width, height, data }: Grey, sigma: number): Grey {
  const reach = Math.ceil(3 * sigma);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)),
  );
  const total = kernel.reduce((sum, each) => sum + each, 0);
  const weights = kernel.map((each) => each / total);
  const pass = (from: Float32Array, step: number, along: number, across: number, jump: number) => {
    const to = new Float32Array(from.length);
    for (let line = 0; line < across; line++) {
      for (let i = 0; i < along; i++) {
        let sum = 0;
        for (let k = -reach; k <= reach; k++) {
          const place = Math.min(along - 1, Math.max(0, i + k));
          sum += (weights[k + reach] as number) * (from[line * jump + place * step] as number);
        }
        to[line * jump + i * step] = sum;
      }
    }
    return to;
  };
  const rows = pass(data, 1, width, height, width);
  return { width, height, data: pass(rows, width, height, width, 1) };
}

/** Length of the gradient by central differences. */
export function gradient({ width, height, data }: Grey): Float32Array {
  const found = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (dx: number, dy: number) => {
        const column = Math.min(width - 1, Math.max(0, x + dx));
        const row = Math.min(height - 1, Math.max(0, y + dy));
        return data[row * width + column] as number;
      };
      found[y * width + x] = Math.hypot(at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)) / 2;
    }
  }
  return found;
}
