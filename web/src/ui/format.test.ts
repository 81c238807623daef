import { describe, expect, test } from "vitest";
import { bytes, duration, interval, MISSING, moment, number, percent, plural } from "./format";

/** Thousands are parted by a narrow space that does not break. */
const plain = (text: string | null) => text?.replaceAll("\u202f", " ");

describe("numbers", () => {
  test.each([
    [9932, "9 932"],
    [0.7284, "0.728"],
    [-0.25, "−0.250"],
    [1.2e-5, "1.20 × 10⁻⁵"],
    [12_000_000, "1.20 × 10⁷"],
    [0, "0"],
  ])("%d reads %s", (value, text) => {
    expect(plain(number(value))).toBe(text);
  });

  test.each([null, undefined, Number.NaN, Number.POSITIVE_INFINITY])("%s is missing", (value) => {
    expect(number(value)).toBe(MISSING);
    expect(percent(value)).toBe(MISSING);
    expect(duration(value)).toBe(MISSING);
  });
});

describe("intervals", () => {
  test("value and ends have the same decimals, from the half-width", () => {
    const large = interval(1204.37, 1150.2, 1258.9);
    expect([plain(large.value), plain(large.range)]).toEqual(["1 204", "1 150 to 1 259"]);
    expect(interval(0.7284, 0.7012, 0.7551)).toEqual({ value: "0.728", range: "0.701 to 0.755" });
  });

  test("without ends there is no range", () => {
    expect(interval(12.5, null, 13)).toEqual({ value: "12.5", range: null });
  });

  test("an interval without width is not an error", () => {
    expect(interval(5, 5, 5)).toEqual({ value: "5", range: "5 to 5" });
  });
});

test.each([
  [0.42, "0.4 s"],
  [12.4, "12 s"],
  [200, "3 min 20 s"],
  [180, "3 min"],
  [0.049, "under 0.1 s"],
  [0.05, "0.1 s"],
  [7500, "2 h 5 min"],
])("%d seconds read %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  [0, "0 B"],
  [1500, "1.50 kB"],
  [5_000_000_000, "5 GB"],
])("%d bytes read %s", (count, text) => {
  expect(plain(bytes(count))).toBe(text);
});

test("today has no date, another year has it in full", () => {
  const now = new Date("2026-11-21T16:00:00");
  expect(moment("2026-11-21T09:05:00", now)).toBe("09:05");
  expect(moment("2025-01-03T09:05:00", now)).toBe("3 Jan 2025, 09:05");
  expect(moment("nonsense", now)).toBe(MISSING);
});

test("one image, two images", () => {
  expect(plural(1, "image")).toBe("1 image");
  expect(plain(plural(2400, "image"))).toBe("2 400 images");
});
