/** What the validation says about tile-by-tile agreement, read with care: its shape is the evidence file's. */
import type { Interval } from "../../api/types";

export interface TileAgreement {
  reference: number[];
  prediction: number[];
  names: string[];
  mean: Interval;
  lower: Interval;
  upper: Interval;
  slope: Interval;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number") ? value : [];
}

function asInterval(value: unknown): Interval {
  const { value: middle, low, high, level } = record(value);
  const pick = (item: unknown) => (typeof item === "number" ? item : null);
  return { value: pick(middle), low: pick(low), high: pick(high), level: pick(level) };
}

/** Agreement of each candidate on the audited tiles; those without tiles are left out. */
export function agreements(validation: unknown): Record<string, TileAgreement> {
  const whole = record(validation);
  const tiles = Array.isArray(whole.tiles) ? whole.tiles.map((tile) => String(record(tile).unit ?? "")) : [];
  const found: Record<string, TileAgreement> = {};
  for (const [name, candidate] of Object.entries(record(whole.candidates))) {
    const told = record(record(candidate).agreement);
    const reference = numbers(told.reference);
    const prediction = numbers(told.prediction);
    if (reference.length === 0 || reference.length !== prediction.length) continue;
    found[name] = {
      reference,
      prediction,
      names: tiles,
      mean: asInterval(told.mean_difference),
      lower: asInterval(told.lower_limit),
      upper: asInterval(told.upper_limit),
      slope: asInterval(told.slope),
    };
  }
  return found;
}
