import { describe, expect, it } from "vitest";
import { forSeeds, type Random } from "../model/testing";
import { type Costs, minCut, PAIRS } from "./minCut";

/** Sum of all costs of a choice of pixels inside; the number of its bits says which. */
function costOf({ width, height, preference, pairs }: Costs, inside: (place: number) => boolean): number {
  let sum = 0;
  for (let i = 0; i < width * height; i++) {
    const wanted = preference[i] as number;
    if (inside(i) ? wanted < 0 : wanted > 0) sum += Math.abs(wanted);
    PAIRS.forEach(([dx, dy], d) => {
      const [x, y] = [(i % width) + dx, Math.floor(i / width) + dy];
      if (x < 0 || x >= width || y >= height) return;
      if (inside(i) !== inside(y * width + x)) sum += pairs[d]?.[i] as number;
    });
  }
  return sum;
}

function randomCosts(random: Random, width: number, height: number): Costs {
  const n = width * height;
  return {
    width,
    height,
    preference: Int32Array.from({ length: n }, () => random.integer(-12, 12)),
    pairs: PAIRS.map(() => Int32Array.from({ length: n }, () => random.integer(0, 8))),
  };
}

describe("the minimum cut", () => {
  it("is as cheap as the best of all choices", () => {
    forSeeds(120, (random) => {
      const costs = randomCosts(random, random.integer(1, 4), random.integer(1, 3));
      const found = minCut(costs);
      const choices = 2 ** (costs.width * costs.height);
      const best = Math.min(
        ...Array.from({ length: choices }, (_, bits) => costOf(costs, (i) => ((bits >> i) & 1) === 1)),
      );
      expect(costOf(costs, (i) => found[i] === 1)).toBe(best);
    });
  });

  it("gets no cheaper by turning any single pixel of a large grid", () => {
    forSeeds(5, (random) => {
      const costs = randomCosts(random, 24, 17);
      const found = minCut(costs);
      const cost = costOf(costs, (i) => found[i] === 1);
      found.forEach((_, turned) => {
        const other = costOf(costs, (i) => (found[i] === 1) !== (i === turned));
        expect(other).toBeGreaterThanOrEqual(cost);
      });
    });
  });

  it("without borders that cost anything follows every pixel, and with dear ones none alone", () => {
    const preference = Int32Array.from([-5, -5, 3, -5, -5, -5, -5, -5, -5]);
    const pairs = (cost: number) => PAIRS.map(() => new Int32Array(9).fill(cost));
    const extent = { width: 3, height: 3 };
    expect([...minCut({ ...extent, preference, pairs: pairs(0) })]).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect([...minCut({ ...extent, preference, pairs: pairs(2) })]).toEqual(new Array(9).fill(0));
  });
});
