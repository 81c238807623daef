import { expect, test } from "vitest";
import type { ImageRow } from "../../api/types";
import { filterImages, NO_FILTER, tally } from "./filter";

function row(id: string, group: string, flags: string[] = [], well: ImageRow["well"] = null): ImageRow {
  const quality = { flags, channels: [], evidence: "untested" as const, formula: "" };
  return { id, group, replicate: "r1", source: `${id}.tif`, quality, well } as unknown as ImageRow;
}
const images = [
  row("a01", "control"),
  row("b02", "drug", ["saturated"]),
  row("b03", "drug", [], { plate: "p", row: "B", column: "3", field: "0" }),
];
const ids = (found: ImageRow[]) => found.map(({ id }) => id);

test("nothing asked, everything shown", () => {
  expect(filterImages(images, NO_FILTER)).toHaveLength(3);
});

test("all words must occur, in any of name, group and replicate", () => {
  expect(ids(filterImages(images, { ...NO_FILTER, words: "DRUG b02" }))).toEqual(["b02"]);
  expect(ids(filterImages(images, { ...NO_FILTER, words: "control b02" }))).toEqual([]);
});

test("group, flag and well narrow together", () => {
  expect(ids(filterImages(images, { ...NO_FILTER, group: "drug", flag: "saturated" }))).toEqual(["b02"]);
  expect(ids(filterImages(images, { ...NO_FILTER, well: { plate: "p", row: "B", column: "3" } }))).toEqual([
    "b03",
  ]);
});

test("values are counted in the order they come", () => {
  expect(tally(["x", "y", "x"])).toEqual([
    ["x", 2],
    ["y", 1],
  ]);
});
