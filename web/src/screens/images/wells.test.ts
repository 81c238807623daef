import { expect, test } from "vitest";
import type { ImageRow } from "../../api/types";
import { wellValues } from "./wells";

function field(row: string, column: string, p50: number | null, flags: string[] = [], plate = "p"): ImageRow {
  const quality = p50 === null ? null : { flags, channels: [{ p50, sharpness: 2 * p50 }] };
  return { well: { plate, row, column, field: "0" }, quality } as unknown as ImageRow;
}
const images = [
  field("A", "1", 10),
  field("A", "1", 20, ["empty"]),
  field("B", "2", null),
  field("C", "3", 7, [], "other"),
];

test("a well is the mean of its fields; another plate is left out", () => {
  expect([...wellValues("p", images, "intensity")]).toEqual([
    ["A1", 15],
    ["B2", null],
  ]);
});

test("objects that a candidate found are averaged over the fields that it has seen", () => {
  const named = images.map((image, at) => ({ ...image, id: `f${at}` }));
  const counts = new Map([
    ["f0", 30],
    ["f1", 10],
    ["f2", null],
    ["f3", 99],
  ]);
  expect([...wellValues("p", named, counts)]).toEqual([
    ["A1", 20],
    ["B2", null],
  ]);
  expect([...wellValues("p", named, new Map()).values()]).toEqual([null, null]);
});

test("fields and flagged fields are counted", () => {
  expect(wellValues("p", images, "fields").get("A1")).toBe(2);
  expect(wellValues("p", images, "flagged").get("A1")).toBe(1);
});
