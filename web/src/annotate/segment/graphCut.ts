import { components } from "../model/components";
import { minCut, PAIRS } from "./minCut";
import type { Grey } from "./window";

const BINS = 24;
/** Costs are whole numbers: this many are one unit of minus log likelihood. */
const UNIT = 100;
/** What a smooth border costs for each pixel of it, beside what the values of the pixels say. */
const BORDER = 4;
/** Pull of a click outside on what is at it. */
const AVOID = 8;
/** More than any sum of other costs of one pixel. */
const CERTAIN = 10_000_000;
/** Times the radius: certainly near, and certainly far. */
const NEAR = 0.4;
const FAR = 2.6;
/** Share of pixels whose value says nothing. */
const DOUBT = 0.02;
/** Share of values near the clicks and far from them above which nothing stands out. */
const TOO_ALIKE = 0.95;

/**
 * The object under clicks by minimum cut (Boykov and Jolly, ICCV 2001): pixels are inside or outside by how
 * usual their value is near the clicks and far from them, and the border runs where values change.
 *
 * `taken` are pixels of other objects; they are outside, but tell nothing of what is outside. Gives places
 * that are connected with a click inside.
 */
export function cutOut(
  picture: Grey,
  taken: Int32Array,
  inside: readonly number[],
  outside: readonly number[],
  radius: number,
): number[] {
  const { width, height, data } = picture;
  if (data.length === 0) return [];
  const distance = distances(picture, inside);
  const avoided = outside.length > 0 ? distances(picture, outside) : null;
  const bins = binned(data);
  const object = new Float64Array(BINS);
  const around = new Float64Array(BINS);
  for (let i = 0; i < data.length; i++) {
    if (taken[i]) continue;
    const bin = bins[i] as number;
    const isAvoided = avoided !== null && (avoided[i] as number) <= NEAR * radius;
    if (isAvoided || (distance[i] as number) >= FAR * radius) around[bin] = (around[bin] as number) + 1;
    else if ((distance[i] as number) <= NEAR * radius) object[bin] = (object[bin] as number) + 1;
  }
  if (!around.some((count) => count > 0)) return [];
  const [likely, unlikely] = [smoothed(object), smoothed(around)];
  if (sharedBy(likely, unlikely) > TOO_ALIKE) return [];
  const preference = Int32Array.from(bins, (bin, i) => {
    if (taken[i] || (distance[i] as number) >= FAR * radius) return -CERTAIN;
    const ratio = Math.log((likely[bin] as number) / (unlikely[bin] as number));
    // Objects are about as large as others here: what lies beyond the radius has to look like one more and more.
    const beyond = Math.max(0, (distance[i] as number) / radius - 1);
    // What is nearer to a click outside belongs to that one, the more the nearer.
    const nearer = avoided ? Math.max(0, 1 - (avoided[i] as number) / Math.max(1, distance[i] as number)) : 0;
    return Math.round(UNIT * (ratio - beyond * beyond - AVOID * nearer));
  });
  for (const place of outside) preference[place] = -CERTAIN;
  for (const place of inside) preference[place] = CERTAIN;
  const found = minCut({ width, height, preference, pairs: borders(picture) });
  return components(picture, inside, (place) => found[place] === 1).flat();
}

/** Distance of each pixel to the nearest of some. */
function distances({ width, height }: Grey, places: readonly number[]): Float32Array {
  const points = places.map((place) => [place % width, Math.floor(place / width)] as const);
  return Float32Array.from({ length: width * height }, (_, i) =>
    Math.min(...points.map(([x, y]) => Math.hypot((i % width) - x, Math.floor(i / width) - y))),
  );
}

/** Which of `BINS` equal steps between the lowest and the highest value a pixel is in. */
function binned(data: Float32Array): Uint8Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = high > low ? BINS / (high - low) : 0;
  return Uint8Array.from(data, (value) => Math.min(BINS - 1, Math.floor((value - low) * scale)));
}

/** How alike two distributions are: 0 for nothing in common, 1 for the same (Bhattacharyya coefficient). */
function sharedBy(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, share, i) => sum + Math.sqrt(share * (b[i] as number)), 0);
}

/** Shares of the bins, those of neighbouring bins mixed in, and a little for every bin. */
function smoothed(counts: Float64Array): Float64Array {
  const at = (i: number) => counts[Math.min(BINS - 1, Math.max(0, i))] as number;
  const mixed = counts.map((_, i) => 0.5 * at(i) + 0.25 * at(i - 1) + 0.25 * at(i + 1));
  const total = mixed.reduce((sum, each) => sum + each, 0);
  return mixed.map((each) => (total > 0 ? ((1 - DOUBT) * each) / total : 0) + DOUBT / BINS);
}

/** Cost of a border between neighbours: little where values differ more than is usual here. */
function borders({ width, height, data }: Grey): Int32Array[] {
  const differences = PAIRS.map(([dx, dy]) => {
    const found = new Float32Array(data.length);
    for (let y = 0; y + dy < height; y++) {
      for (let x = Math.max(0, -dx); x < width - Math.max(0, dx); x++) {
        const i = y * width + x;
        found[i] = (data[i] as number) - (data[i + dy * width + dx] as number);
      }
    }
    return found;
  });
  let sum = 0;
  for (const each of differences) for (const value of each) sum += value * value;
  const usual = Math.max(sum / (PAIRS.length * data.length), 1e-12);
  return differences.map((each, d) => {
    const [dx, dy] = PAIRS[d] as (typeof PAIRS)[number];
    const weight = (BORDER * UNIT) / Math.hypot(dx, dy);
    return Int32Array.from(each, (value) => Math.round(weight * Math.exp(-(value * value) / (2 * usual))));
  });
}
