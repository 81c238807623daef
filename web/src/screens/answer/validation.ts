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

export interface TileReliability {
  n: number;
  bins: { stated: number; n: number; observed: Interval }[];
  excess: Interval;
  error: Interval;
  /** Whether the tiles show that the probabilities do not hold: bin by bin, or all of them on average. */
  shown: boolean;
}

function excludesZero({ low, high }: Interval): boolean {
  return (low !== null && low > 0) || (high !== null && high < 0);
}

/** How far stated probabilities hold, by candidate, and the candidates that state none. */
export function reliabilities(validation: unknown): {
  stated: Record<string, TileReliability>;
  silent: string[];
} {
  const stated: Record<string, TileReliability> = {};
  const silent: string[] = [];
  for (const [name, candidate] of Object.entries(record(record(validation).candidates))) {
    const told = record(record(candidate).reliability);
    const n = told.n_objects;
    if (typeof n !== "number" || !Array.isArray(told.bins)) {
      silent.push(name);
      continue;
    }
    stated[name] = {
      n,
      bins: told.bins.map((bin) => ({
        stated: Number(record(bin).stated),
        n: Number(record(bin).n_cases),
        observed: asInterval(record(bin).observed),
      })),
      excess: asInterval(told.excess),
      error: asInterval(told.calibration_error),
      shown: told.shown === true || excludesZero(asInterval(told.excess)),
    };
  }
  return { stated, silent };
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
