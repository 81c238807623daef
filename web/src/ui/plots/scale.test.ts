import { expect, test } from "vitest";
import { extent, linear, shade, ticks } from "./scale";

test("ends of the domain go to the ends of the range", () => {
  const scale = linear([10, 20], [0, 100]);
  expect([scale(10), scale(15), scale(20)]).toEqual([0, 50, 100]);
});

test("one value lies in the middle instead of nowhere", () => {
  expect(linear([4, 4], [0, 100])(4)).toBe(50);
  expect(linear([0, 0], [0, 100])(0)).toBe(50);
});

test("ticks are round and inside", () => {
  expect(ticks([0, 1])).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks([0.1, 0.32], 3)).toEqual([0.1, 0.2, 0.3]);
  expect(ticks([-3, 3], 6)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
  expect(ticks([5, 5])).toEqual([5]);
});

test("missing values do not widen a plot", () => {
  expect(extent([null, 1, Number.NaN, 3], 0)).toEqual([1, 3]);
  expect(extent([], 0)).toEqual([0, 1]);
});

test("ends have the map's end colours", () => {
  expect(shade(0, 0, 1)).toContain("#440154");
  expect(shade(1, 0, 1)).toContain("#fde725");
  expect(shade(5, 5, 5)).toBe(shade(0.5, 0, 1));
});
