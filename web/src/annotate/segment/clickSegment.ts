import { components, flood } from "../model/components";
import type { Box, Point } from "../model/labels";
import { distanceInside, lobes } from "./distance";
import { cutOut } from "./graphCut";
import { watershed } from "./watershed";
import { around, blur, crop, type Grey, gradient } from "./window";

/** How the outline is found: along the strongest edges, or by minimum cut between usual values. */
export const OUTLINERS = ["edges", "graph-cut"] as const;
export type Outliner = (typeof OUTLINERS)[number];

/** What a person clicked, on which picture. */
export interface SegmentRequest {
  readonly picture: Grey;
  /** Label image of the same size; other objects are never taken over. */
  readonly labels: Int32Array;
  readonly inside: readonly Point[];
  readonly outside: readonly Point[];
  /** Radius that objects of this tile have, in pixels; a start, not a limit. */
  readonly radius: number;
  /** Object that is being refined: its own pixels may change. 0: none. */
  readonly own: number;
  readonly by: Outliner;
}

const LEVELS = 28;
/** Times the radius that is looked at around the clicks. */
const REACH = 3;
const NECK = 0.72;
/** Part of the radius below which a region is taken for noise. */
const SMALLEST = 0.33;

/** Pixels of the object that was clicked, as places in the tile; empty if nothing stands out there. */
export function segmentAt(request: SegmentRequest): number[] {
  const found = search(request);
  const isFirst = request.inside.length === 1 && request.outside.length === 0;
  return found.length > 0 || !isFirst ? found : search({ ...request, radius: 2 * request.radius });
}

function search(request: SegmentRequest): number[] {
  const { picture, labels, inside, outside, radius } = request;
  const border = Math.min(160, Math.max(12, Math.round(REACH * radius)));
  const box = around(inside, border, picture.width, picture.height);
  const extent = { width: box.x1 - box.x0, height: box.y1 - box.y0 };
  const smooth = blur({ ...extent, data: crop(picture.data, picture.width, box) }, Math.max(1, radius / 12));
  const taken = crop(labels, picture.width, box).map((label) =>
    label !== 0 && label !== request.own ? 1 : 0,
  );
  const local = ({ x, y }: Point) => (Math.round(y) - box.y0) * extent.width + Math.round(x) - box.x0;
  const seeds = inside.map(local);
  const forbidden = outside
    .filter(({ x, y }) => x >= box.x0 && y >= box.y0 && x < box.x1 && y < box.y1)
    .map(local);
  const isFirst = inside.length === 1 && forbidden.length === 0;
  let region: number[];
  if (request.by === "graph-cut") {
    region = cutOut(smooth, taken, seeds, forbidden, radius);
    if (region.length > 0 && isFirst) region = lobeOf(smooth, region, seeds[0] as number);
    else region = filled(extent, region);
    region = region.filter((place) => !taken[place]);
  } else {
    const edges = gradient(smooth);
    region = isFirst
      ? standsOut(smooth, edges, taken, seeds[0] as number, radius)
      : fromSeeds(extent, edges, taken, seeds, forbidden, radius);
  }
  return region.map((place) => toTile(place, extent.width, box, picture.width));
}

/**
 * The connected region around a pixel, brighter or darker than what is around it, whose border runs along the
 * strongest edges: thresholds are tried from the value of the pixel downwards, and upwards.
 */
function standsOut(
  smooth: Grey,
  edges: Float32Array,
  taken: Int32Array,
  seed: number,
  radius: number,
): number[] {
  let best: { score: number; region: number[] } = { score: 0, region: [] };
  for (const sign of [1, -1]) {
    const values = smooth.data.map((value) => sign * value);
    const floor = Float32Array.from(values).sort()[Math.floor(0.05 * values.length)] as number;
    const top = values[seed] as number;
    for (let level = 1; level <= LEVELS; level++) {
      const limit = top - ((top - floor) * level) / (LEVELS + 1);
      const region: number[] = [];
      flood(
        smooth,
        seed,
        (place) => (values[place] as number) >= limit && !taken[place],
        (place) => region.push(place),
      );
      if (region.length > Math.PI * (2.6 * radius) ** 2) break;
      const score = scoreOf(smooth, edges, region, radius);
      if (score > best.score) best = { score, region };
    }
  }
  return best.region.length > 0 ? lobeOf(smooth, best.region, seed) : [];
}

/** Mean edge along the border, less for ragged shapes, for such far from the usual size, and at the window's border. */
function scoreOf(smooth: Grey, edges: Float32Array, region: readonly number[], radius: number): number {
  if (region.length < Math.max(9, Math.PI * (SMALLEST * radius) ** 2)) return 0;
  const { width, height } = smooth;
  const inside = new Uint8Array(edges.length);
  for (const place of region) inside[place] = 1;
  let [sum, length, open] = [0, 0, 0];
  for (const place of region) {
    const x = place % width;
    const y = (place - x) / width;
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) open += 1;
    else if (!inside[place - 1] || !inside[place + 1] || !inside[place - width] || !inside[place + width]) {
      sum += edges[place] as number;
      length += 1;
    }
  }
  if (length === 0) return 0;
  const roundness = Math.min(1, (4 * Math.PI * region.length) / (length + open) ** 2);
  const size = Math.sqrt(region.length / Math.PI) / radius;
  const likely = Math.exp(-0.5 * (Math.log(size) / 0.9) ** 2);
  return (sum / length) * Math.sqrt(roundness) * likely * (length / (length + 2 * open));
}

/** The lobe that holds the seed, with its holes filled. */
function lobeOf(extent: Grey, region: readonly number[], seed: number): number[] {
  const inside = new Uint8Array(extent.data.length);
  for (const place of filled(extent, region)) inside[place] = 1;
  const parts = lobes(extent, distanceInside(extent, inside), NECK);
  const wanted = parts[seed];
  return [...parts.keys()].filter((place) => parts[place] === wanted);
}

/** A region with its holes. */
function filled(extent: { width: number; height: number }, region: readonly number[]): number[] {
  const inside = new Uint8Array(extent.width * extent.height);
  for (const place of region) inside[place] = 1;
  fillHoles(extent, inside);
  return [...inside.keys()].filter((place) => inside[place]);
}

function fillHoles({ width, height }: { width: number; height: number }, inside: Uint8Array): void {
  const outer = new Uint8Array(inside.length);
  const border = [...inside.keys()].filter((place) => {
    const x = place % width;
    return x === 0 || x === width - 1 || place < width || place >= width * (height - 1);
  });
  for (const part of components({ width, height }, border, (place) => !inside[place])) {
    for (const place of part) outer[place] = 1;
  }
  for (let i = 0; i < inside.length; i++) if (!outer[i]) inside[i] = 1;
}

/** Watershed on the edges from clicks inside and outside; what is far from every click counts as outside. */
function fromSeeds(
  extent: { width: number; height: number },
  edges: Float32Array,
  taken: Int32Array,
  inside: readonly number[],
  outside: readonly number[],
  radius: number,
): number[] {
  const seeds = new Int32Array(edges.length);
  const { width } = extent;
  const reach = 1.8 * radius;
  const far = (place: number) =>
    inside.every((seed) => {
      const [dx, dy] = [
        (place % width) - (seed % width),
        Math.floor(place / width) - Math.floor(seed / width),
      ];
      return dx * dx + dy * dy > reach * reach;
    });
  for (let i = 0; i < seeds.length; i++) if (far(i)) seeds[i] = 2;
  for (const place of outside) seeds[place] = 2;
  for (const place of inside) seeds[place] = 1;
  const allowed = Uint8Array.from(taken, (each) => (each ? 0 : 1));
  const found = watershed(extent, edges, seeds, allowed);
  return [...found.keys()].filter((place) => found[place] === 1);
}

function toTile(place: number, windowWidth: number, box: Box, width: number): number {
  const x = place % windowWidth;
  return (box.y0 + (place - x) / windowWidth) * width + box.x0 + x;
}
