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

test("fields and flagged fields are counted", () => {
  expect(wellValues("p", images, "fields").get("A1")).toBe(2);
  expect(wellValues("p", images, "flagged").get("A1")).toBe(1);
});
