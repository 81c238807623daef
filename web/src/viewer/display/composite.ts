import type { PixelArray } from "../data/pyramid";
import { LUT_SIZE, lookupTable } from "./colormaps";

/** One channel to be added: its pixels and how it looks. */
export interface CompositePart {
  readonly data: PixelArray;
  readonly low: number;
  readonly high: number;
  readonly gamma: number;
  readonly color: string;
}

/**
 * Adds channels to one picture, RGBA bytes, with the tables that the graphics card uses too, so that
 * overview, editor and figures look like the view. What is no number is drawn as the low limit.
 */
export function composite(parts: readonly CompositePart[], pixels: number): Uint8ClampedArray<ArrayBuffer> {
  const sums = new Uint16Array(3 * pixels);
  for (const { data, low, high, gamma, color } of parts) {
    const table = lookupTable(color, gamma);
    const scale = (LUT_SIZE - 1) / Math.max(high - low, Number.MIN_VALUE);
    for (let i = 0; i < pixels; i++) {
      const step = ((data[i] as number) - low) * scale;
      const entry = 4 * (step > 0 ? Math.min(LUT_SIZE - 1, Math.round(step)) : 0);
      sums[3 * i] = (sums[3 * i] as number) + (table[entry] as number);
      sums[3 * i + 1] = (sums[3 * i + 1] as number) + (table[entry + 1] as number);
      sums[3 * i + 2] = (sums[3 * i + 2] as number) + (table[entry + 2] as number);
    }
  }
  const rgba = new Uint8ClampedArray(4 * pixels);
  for (let i = 0; i < pixels; i++) {
    rgba[4 * i] = sums[3 * i] as number;
    rgba[4 * i + 1] = sums[3 * i + 1] as number;
    rgba[4 * i + 2] = sums[3 * i + 2] as number;
    rgba[4 * i + 3] = 255;
  }
  return rgba;
}
