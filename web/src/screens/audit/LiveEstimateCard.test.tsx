import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LiveEstimate, StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { LiveEstimateCard } from "./LiveEstimateCard";

beforeEach(() => localStorage.clear());
afterEach(cleanup);

const study = { id: "s", question_form: { text: "How many?" } } as StudyDetail;
const row = { group: "control", status: "ok", estimate: 202, low: 180, high: 229, level: 0.9 };
const estimate = {
  method: "otsu-watershed",
  n_counted: 10,
  n_annotated: 10,
  groups: [row, { ...row, group: "drug", status: "cannot-tell", estimate: null, low: null, high: null }],
  tolerance: 0.1,
  enough: false,
  text: "About 24 more tiles.",
  evidence: "audited",
} as unknown as LiveEstimate;

const show = (annotated: number) =>
  render(<LiveEstimateCard study={study} estimate={estimate} annotated={annotated} />);

test("it says from how many tiles it is, and for which groups there is nothing yet", () => {
  show(10);
  expect(screen.getByText("Corrects otsu-watershed, from 10 tiles.")).toBeTruthy();
  expect(screen.getByText(text.audit.cannotTell)).toBeTruthy();
  expect(screen.queryByText(/Being worked out anew/)).toBeNull();
});

test("an estimate that waits for the newest tiles says that they are not in it", () => {
  show(11);
  expect(screen.getByText("Being worked out anew: 1 tile is not in it yet.")).toBeTruthy();
  cleanup();
  show(13);
  expect(screen.getByText("Being worked out anew: 3 tiles are not in it yet.")).toBeTruthy();
});
