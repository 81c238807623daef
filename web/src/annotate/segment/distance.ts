import type { Extent } from "../model/shapes";

/** Distance of each inner pixel to the nearest outer one, in pixels, within 4 % (chamfer 3-4). The border of the image counts as inner. */
export function distanceInside({ width, height }: Extent, inside: Uint8Array): Float32Array {
  const far = 1e6;
  const found = new Float32Array(width * height);
  for (let i = 0; i < found.length; i++) found[i] = inside[i] ? far : 0;
  const relax = (x: number, y: number, steps: readonly (readonly [number, number, number])[]) => {
    const place = y * width + x;
    let best = found[place] as number;
    if (best === 0) return;
    for (const [dx, dy, cost] of steps) {
      const [column, row] = [x + dx, y + dy];
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
      best = Math.min(best, (found[row * width + column] as number) + cost);
    }
    found[place] = best;
  };
  const forward = [
    [-1, 0, 3],
    [0, -1, 3],
    [-1, -1, 4],
    [1, -1, 4],
  ] as const;
  const backward = [
    [1, 0, 3],
    [0, 1, 3],
    [1, 1, 4],
    [-1, 1, 4],
  ] as const;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) relax(x, y, forward);
  for (let y = height - 1; y >= 0; y--) for (let x = width - 1; x >= 0; x--) relax(x, y, backward);
  return found.map((value) => value / 3);
}

/**
 * Cuts a shape into lobes at its necks: two lobes stay apart where the neck is narrower than `neck` times the
 * width of the thinner one. Gives the lobe of each inner pixel, from 1; 0 outside.
 */
export function lobes(extent: Extent, distance: Float32Array, neck: number): Int32Array {
  const { width } = extent;
  const order = Array.from(distance.keys())
    .filter((i) => (distance[i] as number) > 0)
    .sort((a, b) => (distance[b] as number) - (distance[a] as number));
  const parent = new Int32Array(distance.length).fill(-1);
  const peak = new Float32Array(distance.length);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) at = parent[at] as number;
    for (let each = i; parent[each] !== at; ) {
      const next = parent[each] as number;
      parent[each] = at;
      each = next;
    }
    return at;
  };
  for (const i of order) {
    const x = i % width;
    const around = [x > 0 ? i - 1 : -1, x < width - 1 ? i + 1 : -1, i - width, i + width];
    const basins = [...new Set(around.filter((n) => n >= 0 && (parent[n] ?? -1) >= 0).map(root))].sort(
      (a, b) => (peak[b] as number) - (peak[a] as number),
    );
    const first = basins[0];
    parent[i] = i;
    if (first === undefined) {
      peak[i] = distance[i] as number;
      continue;
    }
    parent[i] = first;
    for (const other of basins.slice(1)) {
      if ((distance[i] as number) >= neck * (peak[other] as number)) parent[other] = first;
    }
  }
  const names = new Map<number, number>();
  return Int32Array.from(distance, (value, i) => {
    if (value <= 0) return 0;
    const basin = root(i);
    if (!names.has(basin)) names.set(basin, names.size + 1);
    return names.get(basin) as number;
  });
}
