import { expect, test } from "vitest";
import { cellText, objectOf } from "./SelectedRow";

const column = (name: string) => ({ name, type: "number" as const, unit: "", description: "" });
const columns = ["image_id", "label", "bbox-y0", "bbox-x0", "bbox-y1", "bbox-x1"].map(column);

test("a row names its object and where it lies", () => {
  expect(objectOf(columns, ["a01", 7, 1, 2, 30, 40])).toEqual({ image: "a01", label: 7, box: "1,2,30,40" });
});

test("without a box the view stays; without a label there is no object", () => {
  expect(objectOf(columns, ["a01", 7, null, 2, 30, 40])).toEqual({ image: "a01", label: 7, box: null });
  expect(objectOf(columns, ["a01", null, 1, 2, 3, 4])).toBeNull();
  expect(objectOf([], [])).toBeNull();
});

test("cells are words, numbers, or a dash", () => {
  expect([cellText("x"), cellText(0.123456), cellText(true), cellText(null)]).toEqual([
    "x",
    "0.1235",
    "yes",
    "—",
  ]);
});
