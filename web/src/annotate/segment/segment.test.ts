import { describe, expect, it } from "vitest";
import { forSeeds } from "../model/testing";
import { OUTLINERS, segmentAt } from "./clickSegment";
import { distanceInside, lobes } from "./distance";
import { watershed } from "./watershed";
import { blur, type Grey, gradient } from "./window";

/** Bright discs on a dark ground with a soft border. */
function discs(size: number, centres: readonly (readonly [number, number, number])[], sign = 1): Grey {
  const data = new Float32Array(size * size);
  for (let i = 0; i < data.length; i++) {
    const inside = centres.map(
      ([x, y, r]) => 1 / (1 + Math.exp(Math.hypot((i % size) - x, Math.floor(i / size) - y) - r)),
    );
    data[i] = sign * Math.max(...inside) * 100;
  }
  return { width: size, height: size, data };
}

const askBy = (picture: Grey, x: number, y: number, more: Partial<Parameters<typeof segmentAt>[0]> = {}) =>
  segmentAt({
    picture,
    labels: new Int32Array(picture.data.length),
    inside: [{ x, y }],
    outside: [],
    radius: 10,
    own: 0,
    by: "edges",
    ...more,
  });

function iou(found: readonly number[], size: number, [x, y, r]: readonly [number, number, number]): number {
  const truth = (place: number) => Math.hypot((place % size) - x, Math.floor(place / size) - y) <= r;
  const both = found.filter(truth).length;
  const area = Array.from({ length: size * size }, (_, i) => i).filter(truth).length;
  return both / (found.length + area - both);
}

describe("the watershed", () => {
  const extent = { width: 5, height: 1 };

  it("divides at the ridge", () => {
    const heights = Float32Array.from([0, 1, 9, 1, 0]);
    const found = watershed(extent, heights, Int32Array.from([1, 0, 0, 0, 2]));
    expect([found[1], found[3]]).toEqual([1, 2]);
  });

  it("shares a plateau evenly", () => {
    const found = watershed(
      { width: 7, height: 1 },
      new Float32Array(7),
      Int32Array.from([1, 0, 0, 0, 0, 0, 2]),
    );
    expect([...found.subarray(0, 3), ...found.subarray(4)]).toEqual([1, 1, 1, 2, 2, 2]);
  });

  it("goes round what is not allowed, and reaches nothing behind a closed wall", () => {
    const allowed = Uint8Array.from([1, 1, 0, 1, 1]);
    const found = watershed(extent, new Float32Array(5), Int32Array.from([1, 0, 0, 0, 0]), allowed);
    expect([...found]).toEqual([1, 1, 0, 0, 0]);
  });

  it("takes the lowest pass: a deep valley is flooded before a high one", () => {
    const heights = Float32Array.from([0, 5, 5, 1, 0]);
    const found = watershed(extent, heights, Int32Array.from([1, 0, 0, 0, 2]));
    expect(found[3]).toBe(2);
  });

  it("gives every allowed pixel to a seed, and keeps seeds", () => {
    forSeeds(40, (random) => {
      const size = { width: random.integer(1, 15), height: random.integer(1, 15) };
      const n = size.width * size.height;
      const seeds = new Int32Array(n);
      for (let k = 1; k < 4; k++) seeds[random.integer(0, n - 1)] = k;
      const found = watershed(
        size,
        Float32Array.from({ length: n }, () => random.next()),
        seeds,
      );
      expect(found.includes(0)).toBe(false);
      seeds.forEach((seed, i) => {
        if (seed) expect(found[i]).toBe(seed);
      });
    });
  });
});

describe("distances and lobes", () => {
  it("are within 6 % of the straight line", () => {
    const inside = new Uint8Array(441).fill(1);
    inside[220] = 0;
    const found = distanceInside({ width: 21, height: 21 }, inside);
    for (let i = 0; i < 441; i++) {
      const exact = Math.hypot((i % 21) - 10, Math.floor(i / 21) - 10);
      expect(Math.abs((found[i] as number) - exact)).toBeLessThanOrEqual(0.06 * exact + 1e-6);
    }
  });

  it("cut two discs at a narrow neck and leave one disc whole", () => {
    const shape = (centres: readonly (readonly [number, number, number])[]) => {
      const inside = Uint8Array.from(discs(60, centres).data, (value) => (value > 50 ? 1 : 0));
      return lobes({ width: 60, height: 60 }, distanceInside({ width: 60, height: 60 }, inside), 0.72);
    };
    const two = shape([
      [20, 30, 10],
      [38, 30, 10],
    ]);
    expect(two[30 * 60 + 20]).not.toBe(two[30 * 60 + 38]);
    expect(Math.max(...two)).toBe(2);
    expect(Math.max(...shape([[30, 30, 12]]))).toBe(1);
  });
});

describe.each(OUTLINERS)("a click, by %s,", (by) => {
  const ask = (...[picture, x, y, more]: Parameters<typeof askBy>) => askBy(picture, x, y, { by, ...more });

  it("finds a bright or a dark disc", () => {
    for (const sign of [1, -1]) {
      const disc = [32, 30, 9] as const;
      expect(iou(ask(discs(64, [disc], sign), 33, 28), 64, disc)).toBeGreaterThan(0.9);
    }
  });

  it("takes one of two that touch", () => {
    const [a, b] = [
      [24, 32, 9],
      [41, 32, 9],
    ] as const;
    const found = ask(discs(64, [a, b]), 23, 32);
    expect(iou(found, 64, a)).toBeGreaterThan(0.75);
  });

  it("never takes pixels of another object", () => {
    const labels = new Int32Array(64 * 64);
    labels.forEach((_, i) => {
      if (i % 64 > 35) labels[i] = 4;
    });
    const found = ask(discs(64, [[32, 32, 9]]), 28, 32, { labels });
    expect(found.length).toBeGreaterThan(50);
    expect(found.every((place) => labels[place] === 0)).toBe(true);
  });

  it("with a click outside keeps to one side", () => {
    const picture = discs(64, [
      [24, 32, 9],
      [38, 32, 9],
    ]);
    const found = ask(picture, 22, 32, { outside: [{ x: 40, y: 32 }] });
    expect(found).toContain(32 * 64 + 22);
    expect(found).not.toContain(32 * 64 + 40);
  });

  it("at the border, on one pixel, or on nothing, is no error", () => {
    expect(ask(discs(64, [[0, 0, 9]]), 0, 0).length).toBeGreaterThan(20);
    expect(ask({ width: 1, height: 1, data: Float32Array.from([3]) }, 0, 0)).toEqual([]);
    expect(ask({ width: 40, height: 40, data: new Float32Array(1600) }, 20, 20)).toEqual([]);
  });
});

describe("smoothing", () => {
  it("keeps the mean and flattens, and the gradient of a ramp is its slope", () => {
    const data = Float32Array.from({ length: 400 }, (_, i) => (i * 7919) % 100);
    const smooth = blur({ width: 20, height: 20, data }, 2);
    const spread = (values: Float32Array) => Math.max(...values) - Math.min(...values);
    expect(spread(smooth.data)).toBeLessThan(spread(data) / 3);
    const ramp = Float32Array.from({ length: 400 }, (_, i) => 3 * (i % 20));
    expect(gradient({ width: 20, height: 20, data: ramp })[10 * 20 + 10]).toBeCloseTo(3, 5);
  });
});
