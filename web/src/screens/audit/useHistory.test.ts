import { expect, test } from "vitest";
import type { LiveEstimate } from "../../api/types";
import { remember } from "./useHistory";

const at = (n: number, estimate: number | null) =>
  ({
    n_annotated: n,
    groups: [{ group: "a", estimate, low: estimate && estimate - 1, high: estimate && estimate + 1 }],
  }) as unknown as LiveEstimate;

test("moments come in the order of tiles", () => {
  const history = remember(remember([], at(5, 100)), at(6, 101));
  expect(history.map(({ n }) => n)).toEqual([5, 6]);
});

test("the same count replaces, and fewer tiles begin anew", () => {
  const history = [at(5, 100), at(6, 101), at(7, 102)].reduce(remember, []);
  expect(remember(history, at(6, 90)).map(({ n, groups }) => [n, groups[0]?.estimate])).toEqual([
    [5, 100],
    [6, 90],
  ]);
});

test("without an interval there is nothing to show", () => {
  expect(remember([], at(1, null))).toEqual([]);
});
