import { type Box, clip, type Point } from "./labels";

/** Size of the image that a shape is drawn in; nothing outside is visited. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

type Visit = (place: number) => void;

/**
 * Visits the pixels whose centre lies within `radius` of the line from `a` to `b`.
 *
 * A radius of 0.5 or less draws the thinnest gapless line.
 */
export function capsule(extent: Extent, a: Point, b: Point, radius: number, visit: Visit): void {
  if (radius <= 0.5) {
    line(extent, a, b, visit);
    return;
  }
  const box = strokeBox(extent, a, b, radius);
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length2 = dx * dx + dy * dy;
  for (let y = box.y0; y < box.y1; y++) {
    for (let x = box.x0; x < box.x1; x++) {
      const along = length2 > 0 ? ((x - a.x) * dx + (y - a.y) * dy) / length2 : 0;
      const t = Math.min(1, Math.max(0, along));
      const [ex, ey] = [x - a.x - t * dx, y - a.y - t * dy];
      if (ex * ex + ey * ey <= radius * radius) visit(y * extent.width + x);
    }
  }
}

/** Box that a stroke from `a` to `b` can touch, inside the image. */
export function strokeBox(extent: Extent, a: Point, b: Point, radius: number): Box {
  const reach = Math.max(1, radius);
  return clip(
    {
      x0: Math.min(a.x, b.x) - reach,
      y0: Math.min(a.y, b.y) - reach,
      x1: Math.max(a.x, b.x) + reach + 1,
      y1: Math.max(a.y, b.y) + reach + 1,
    },
    extent.width,
    extent.height,
  );
}

/** Visits the pixels of a line such that no path of neighbours by side can cross it: steps go by side only. */
export function line(extent: Extent, a: Point, b: Point, visit: Visit): void {
  let [x, y] = [Math.round(a.x), Math.round(a.y)];
  const [x1, y1] = [Math.round(b.x), Math.round(b.y)];
  const [dx, dy] = [Math.abs(x1 - x), Math.abs(y1 - y)];
  const [sx, sy] = [Math.sign(x1 - x), Math.sign(y1 - y)];
  let error = dx - dy;
  for (let step = 0; ; step++) {
    if (x >= 0 && y >= 0 && x < extent.width && y < extent.height) visit(y * extent.width + x);
    if (step >= dx + dy) return;
    if (y === y1 || (x !== x1 && error > 0)) {
      x += sx;
      error -= 2 * dy;
    } else {
      y += sy;
      error += 2 * dx;
    }
  }
}

/**
 * Visits the pixels whose centre lies in a closed polygon (even-odd; left and upper edges belong to it).
 *
 * Centres alone decide, so that the expected area is that of the polygon: also painting what the
 * outline touches would make every object larger by half a pixel all around.
 */
export function polygon(extent: Extent, corners: readonly Point[], visit: Visit): void {
  if (corners.length < 3) return;
  const ys = corners.map((corner) => corner.y);
  const from = Math.max(0, Math.ceil(Math.min(...ys)));
  const to = Math.min(extent.height - 1, Math.floor(Math.max(...ys)));
  for (let y = from; y <= to; y++) {
    const crossings = crossingsAt(corners, y);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const x0 = Math.max(0, Math.ceil(crossings[k] as number));
      const x1 = Math.min(extent.width, Math.ceil(crossings[k + 1] as number));
      for (let x = x0; x < x1; x++) visit(y * extent.width + x);
    }
  }
}

/** Where the outline crosses a row, sorted. Corners on the row count for the edge above only. */
function crossingsAt(corners: readonly Point[], y: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < corners.length; i++) {
    const a = corners[i] as Point;
    const b = corners[(i + 1) % corners.length] as Point;
    if (a.y <= y === b.y <= y) continue;
    found.push(a.x + ((y - a.y) * (b.x - a.x)) / (b.y - a.y));
  }
  return found.sort((p, q) => p - q);
}

/** Fewer points for a freehand line: those closer than `distance` to the last kept one go. */
export function thin(points: readonly Point[], distance: number): Point[] {
  const kept: Point[] = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (!last || Math.hypot(point.x - last.x, point.y - last.y) >= distance) kept.push(point);
  }
  return kept;
}
