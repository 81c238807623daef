import { expect, test } from "vitest";
import { conditions, NO_FILTERS, nextSort, objectsQuery, withSpan } from "./filters";

test("no filter, no condition", () => {
  expect(conditions(NO_FILTERS)).toEqual([]);
});

test("group, image and spans become the server's conditions", () => {
  const filters = withSpan(
    { ...NO_FILTERS, group: "high dose", image: " b02 " },
    "area",
    [10.123456789, 200],
  );
  expect(conditions(filters)).toEqual(["group=high dose", "image_id~b02", "area>=10.12346", "area<=200"]);
});

test("a new span of a column replaces the old one", () => {
  const twice = withSpan(withSpan(NO_FILTERS, "area", [1, 2]), "area", [3, 4]);
  expect(twice.spans).toEqual([{ column: "area", low: 3, high: 4 }]);
  expect(withSpan(twice, "area", null)).toEqual(NO_FILTERS);
});

test("a column is sorted down, up, not at all", () => {
  const down = nextSort(null, "area");
  const up = nextSort(down, "area");
  expect([down, up, nextSort(up, "area")]).toEqual([
    { column: "area", down: true },
    { column: "area", down: false },
    null,
  ]);
  expect(nextSort(up, "solidity")).toEqual({ column: "solidity", down: true });
});

test("the request repeats `filter` and marks descending order", () => {
  const query = objectsQuery("m", { ...NO_FILTERS, group: "a", image: "b" }, { column: "area", down: true });
  expect(query.getAll("filter")).toEqual(["group=a", "image_id~b"]);
  expect(query.get("sort")).toBe("-area");
});
