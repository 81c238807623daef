import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { Job } from "../api/types";
import { text } from "../app/strings";
import { JobCard } from "./JobCard";

afterEach(cleanup);

const job = (more: Partial<Job>) =>
  ({
    id: "1",
    kind: "run",
    state: "running",
    stage: "predict x",
    done: 0,
    total: 0,
    eta_s: null,
    ...more,
  }) as Job;

const bar = () => screen.getByRole("progressbar");

test("of one image that is not done it is not said how far it is", () => {
  render(<JobCard job={job({ total: 1 })} />);
  expect(screen.queryByText(text.count.of(0, 1))).toBeNull();
  expect(bar().className).toContain("unknown");
  expect(bar().getAttribute("aria-valuenow")).toBeNull();
});

test("of several it is, from the first on", () => {
  render(<JobCard job={job({ total: 8 })} />);
  expect(document.body.textContent).toContain(text.count.of(0, 8));
  expect(bar().getAttribute("aria-valuemax")).toBe("8");
});

test("what is done is done, also where it was one", () => {
  render(<JobCard job={job({ done: 1, total: 1 })} />);
  expect(document.body.textContent).toContain(text.count.of(1, 1));
  expect(bar().getAttribute("aria-valuenow")).toBe("1");
});

test("the time left is told once it is known", () => {
  const { rerender } = render(<JobCard job={job({ done: 2, total: 8, eta_s: 0.4 })} />);
  expect(document.body.textContent).not.toContain("·");
  rerender(<JobCard job={job({ done: 2, total: 8, eta_s: 90 })} />);
  expect(document.body.textContent).toContain("·");
});

test("a stage of unknown length has a bar without an end", () => {
  render(<JobCard job={job({ state: "queued" })} />);
  expect(bar().className).toContain("unknown");
  expect(document.body.textContent).toContain(text.jobs.states.queued);
});
