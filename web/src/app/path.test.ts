import { expect, test } from "vitest";
import type { Job, StudyDetail } from "../api/types";
import { nextOf, pathOf } from "./path";

type State = "done" | "next" | "waiting" | "stale";
function study(states: Record<string, State>, next: string | null = null): StudyDetail {
  const steps = Object.entries(states).map(([step, state]) => ({ step, state, text: `${step}: ${state}` }));
  return { id: "s", n_images: 3, steps, next: next && { step: next, text: "why" } } as unknown as StudyDetail;
}
const all: Record<string, State> = {
  run: "done",
  draw: "done",
  annotate: "next",
  validate: "waiting",
  report: "waiting",
};

test("the audit is to do while tiles are open, though they are drawn", () => {
  const states = pathOf(study(all), []).map(({ screen, state }) => [screen, state]);
  expect(states).toEqual([
    ["images", "done"],
    ["candidates", "done"],
    ["audit", "next"],
    ["answer", "waiting"],
    ["report", "waiting"],
  ]);
});

test("a step says what is open, not what is done", () => {
  expect(pathOf(study(all), [])[2]?.detail).toBe("annotate: next");
});

test("a running job of this study shows at its step; those of others do not", () => {
  const job = { study: "s", kind: "run", state: "running" } as Job;
  expect(pathOf(study(all), [job])[1]?.state).toBe("running");
  expect(pathOf(study(all), [{ ...job, study: "other" }])[1]?.state).toBe("done");
  expect(pathOf(study(all), [{ ...job, state: "done" }])[1]?.state).toBe("done");
});

test("what is out of date is shown so", () => {
  expect(pathOf(study({ ...all, validate: "stale" }), [])[3]?.state).toBe("stale");
});

test("the next step leads to its screen; when all is done there is none", () => {
  expect(nextOf(study(all, "annotate"))).toMatchObject({
    href: "/studies/s/audit",
    screen: "audit",
    why: "why",
  });
  expect(nextOf(study(all, "done"))).toBeNull();
  expect(nextOf(study(all))).toBeNull();
});

test("an answer that does not suffice leads to more tiles, or to other candidates, before the report", () => {
  const done = Object.fromEntries(Object.keys(all).map((step) => [step, "done"])) as Record<string, State>;
  const asked = (step: string, tiles: number | null) => {
    const found = study(done, step);
    return nextOf({ ...found, next: { step, text: "why", tiles } } as unknown as StudyDetail);
  };
  expect(asked("more", 12)).toMatchObject({ screen: "audit", label: "annotate about 12 more tiles" });
  expect(asked("more", null)).toMatchObject({ screen: "audit", label: "annotate more tiles" });
  expect(asked("improve", null)).toMatchObject({ screen: "candidates" });
});
