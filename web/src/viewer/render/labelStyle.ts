import { colorAt } from "../display/colormaps";
import type { ColumnValues } from "../types";

/** How objects are drawn over the image. */
export interface LabelStyle {
  /** 0 to 1, of the inside of objects. */
  readonly opacity: number;
  /** Width of outlines in screen pixels; 0: none. */
  readonly contour: number;
  /** Changes which object has which colour. */
  readonly seed: number;
  readonly selectedOnly: boolean;
}

export const FIRST_STYLE: LabelStyle = { opacity: 0.25, contour: 1.5, seed: 0, selectedOnly: false };

/** Labels that the colour table holds in one row. */
export const TABLE_WIDTH = 2048;

/** Colours of labels by a measured value: a table with one RGBA entry for each label, and its legend. */
export interface ColumnColors {
  readonly table: Uint8Array<ArrayBuffer>;
  readonly rows: number;
  readonly low: number;
  readonly high: number;
  readonly missing: number;
}

/** Map in which measured values are shown; its brightness rises evenly, and it can be told apart without red. */
export const COLUMN_MAP = "viridis";

/** Colours by value from the 2nd to the 98th percentile; labels without a value stay grey. */
export function columnColors({ labels, values }: ColumnValues): ColumnColors {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const sorted = Float64Array.from(known).sort();
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(0.02), at(0.98)];
  const top = labels.reduce((most, label) => Math.max(most, label), 0);
  const rows = Math.floor(top / TABLE_WIDTH) + 1;
  const table = new Uint8Array(4 * TABLE_WIDTH * rows);
  labels.forEach((label, i) => {
    const value = values[i];
    const color =
      value === null || value === undefined || !Number.isFinite(value)
        ? [128, 128, 128]
        : colorAt(COLUMN_MAP, high > low ? (value - low) / (high - low) : 0.5);
    table.set([...color.map(Math.round), 255], 4 * label);
  });
  return { table, rows, low, high, missing: labels.length - known.length };
}

/**
 * Colour of a label, the same arithmetic as in the shader: neighbours in number get colours far apart.
 * Lightness varies as well as hue, so that colours differ also for people who do not tell hues apart.
 */
export function labelColor(label: number, seed: number): [number, number, number] {
  let hash = (Math.imul(label, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
  hash = (hash ^ (hash >>> 12)) >>> 0;
  const hue = (hash & 0xffff) / 65536;
  const light = 0.55 + (0.25 * ((hash >>> 16) & 0xff)) / 255;
  const chroma = 0.9 * (1 - Math.abs(2 * light - 1));
  const channel = (shift: number) => {
    const place = (hue * 6 + shift) % 6;
    return light + chroma * (Math.min(1, Math.max(0, Math.abs(place - 3) - 1)) - 0.5);
  };
  return [channel(0), channel(4), channel(2)].map((each) => Math.round(255 * each)) as [
    number,
    number,
    number,
  ];
}
