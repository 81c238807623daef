import { neighbours } from "../model/components";
import type { Extent } from "../model/shapes";

const LEVELS = 256;

/**
 * Watershed from seeds: every pixel goes to the seed that reaches it over the lowest pass. Floods level by
 * level, first come first served within one, so that plateaus are shared evenly.
 *
 * `seeds` holds labels, 0 where there is none; pixels with `allowed` 0 stay 0 and let nothing through.
 */
export function watershed(
  extent: Extent,
  heights: Float32Array,
  seeds: Int32Array,
  allowed?: Uint8Array,
): Int32Array {
  const found = seeds.slice();
  const levels = quantise(heights);
  const queues: number[][] = Array.from({ length: LEVELS }, () => []);
  for (let i = 0; i < found.length; i++) {
    if (found[i] !== 0) queues[levels[i] as number]?.push(i);
  }
  for (let level = 0; level < LEVELS; level++) {
    const queue = queues[level] as number[];
    for (let head = 0; head < queue.length; head++) {
      const place = queue[head] as number;
      neighbours(extent, place, false, (next) => {
        if (found[next] !== 0 || allowed?.[next] === 0) return;
        found[next] = found[place] as number;
        queues[Math.max(level, levels[next] as number)]?.push(next);
      });
    }
  }
  return found;
}

function quantise(heights: Float32Array): Uint8Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const height of heights) {
    if (height < low) low = height;
    if (height > high) high = height;
  }
  const scale = high > low ? (LEVELS - 1) / (high - low) : 0;
  return Uint8Array.from(heights, (height) => Math.round((height - low) * scale));
}
