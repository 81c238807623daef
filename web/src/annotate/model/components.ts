import type { Extent } from "./shapes";

/**
 * Visits the pixels that are connected to `start` by their sides (or also corners) and for which
 * `inside` holds. Visits each once.
 */
export function flood(
  extent: Extent,
  start: number,
  inside: (place: number) => boolean,
  visit: (place: number) => void,
  corners = false,
): void {
  const seen = new Uint8Array(extent.width * extent.height);
  if (!inside(start)) return;
  const stack = [start];
  seen[start] = 1;
  while (stack.length > 0) {
    const place = stack.pop() as number;
    visit(place);
    neighbours(extent, place, corners, (next) => {
      if (seen[next] || !inside(next)) return;
      seen[next] = 1;
      stack.push(next);
    });
  }
}

/** Calls back with the neighbours of a pixel that lie in the image: by side, or also by corner. */
export function neighbours(
  { width, height }: Extent,
  place: number,
  corners: boolean,
  visit: (place: number) => void,
): void {
  const x = place % width;
  const y = (place - x) / width;
  const [left, right, up, down] = [x > 0, x < width - 1, y > 0, y < height - 1];
  if (left) visit(place - 1);
  if (right) visit(place + 1);
  if (up) visit(place - width);
  if (down) visit(place + width);
  if (!corners) return;
  if (up && left) visit(place - width - 1);
  if (up && right) visit(place - width + 1);
  if (down && left) visit(place + width - 1);
  if (down && right) visit(place + width + 1);
}

/** Connected parts of the pixels for which `inside` holds, each a list of places, largest first. */
export function components(
  extent: Extent,
  places: Iterable<number>,
  inside: (place: number) => boolean,
  corners = false,
): number[][] {
  const seen = new Uint8Array(extent.width * extent.height);
  const parts: number[][] = [];
  for (const start of places) {
    if (seen[start] || !inside(start)) continue;
    const part: number[] = [start];
    seen[start] = 1;
    for (let head = 0; head < part.length; head++) {
      neighbours(extent, part[head] as number, corners, (next) => {
        if (seen[next] || !inside(next)) return;
        seen[next] = 1;
        part.push(next);
      });
    }
    parts.push(part);
  }
  return parts.sort((a, b) => b.length - a.length);
}
