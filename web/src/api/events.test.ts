import { expect, test } from "vitest";
import { mergeJob } from "./events";
import type { Job } from "./types";

const job = (id: string, done = 0) => ({ id, done }) as Job;

test("a new job comes first, a known one stays in its place", () => {
  const two = mergeJob([job("a")], job("b"));
  expect(two.map(({ id }) => id)).toEqual(["b", "a"]);
  expect(mergeJob(two, job("a", 5)).map(({ id, done }) => [id, done])).toEqual([
    ["b", 0],
    ["a", 5],
  ]);
});

test("the first job of all", () => {
  expect(mergeJob(undefined, job("a"))).toHaveLength(1);
});
