/** Scales of plots: from values to pixels, round ticks, and a colour for a value. */
export interface Scale {
  (value: number): number;
  domain: [number, number];
}

/** A linear scale; a domain without width is widened, so that nothing is divided by zero. */
export function linear([low, high]: [number, number], [from, to]: [number, number]): Scale {
  const width = high - low || Math.abs(high) || 1;
  const first = high === low ? low - width / 2 : low;
  const scale = (value: number) => from + ((value - first) / width) * (to - from);
  return Object.assign(scale, { domain: [first, first + width] as [number, number] });
}

/** Least and greatest of the finite values, with some room on both sides. */
export function extent(values: (number | null | undefined)[], room = 0.06): [number, number] {
  const known = values.filter(
    (value): value is number => typeof value === "number" && Number.isFinite(value),
  );
  if (known.length === 0) return [0, 1];
  const low = Math.min(...known);
  const high = Math.max(...known);
  const pad = (high - low || Math.abs(high) || 1) * room;
  return [low - pad, high + pad];
}

/** Round values across a domain, about `count` of them. */
export function ticks([low, high]: [number, number], count = 5): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Products of whole numbers, rounded: 0.3, not 0.30000000000000004.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) =>
    Number(((first + at) * step).toPrecision(12)),
  );
}

const VIRIDIS = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];

/** A colour of the viridis map, which grows lighter evenly and reads with every kind of colour vision. */
export function shade(value: number, low: number, high: number): string {
  const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  const place = share * (VIRIDIS.length - 1);
  const from = VIRIDIS[Math.floor(place)] ?? "#000";
  const to = VIRIDIS[Math.ceil(place)] ?? from;
  return `color-mix(in srgb, ${to} ${Math.round((place % 1) * 100)}%, ${from})`;
}
