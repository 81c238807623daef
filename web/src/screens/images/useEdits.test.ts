import { expect, test } from "vitest";
import type { ImageRow } from "../../api/types";
import { collectChanges } from "./useEdits";

const image = { id: "a", group: "control", replicate: "1" } as ImageRow;
const from = (drafts: Record<string, string>) => collectChanges([image], (_, field) => drafts[field]);

test("only what differs is sent", () => {
  expect(from({ group: "drug" })).toEqual([{ id: "a", group: "drug" }]);
  expect(from({ group: "control", replicate: "2" })).toEqual([{ id: "a", replicate: "2" }]);
});

test("the old value, an empty one and spaces are no change", () => {
  expect(from({ group: " control " })).toEqual([]);
  expect(from({ group: "" })).toEqual([]);
  expect(from({})).toEqual([]);
});
