import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { Network } from "../../api/types";
import { NetworkCard } from "./NetworkCard";

afterEach(cleanup);

const figure = (value: number) => ({ value, low: null, high: null, level: 0.95, unit: "field group" });
const network = {
  name: "tuned",
  finished: true,
  losses: [{ minutes: 1.8, loss: 0.4 }],
  checks: [],
  minutes: 1.8,
  steps: 1,
  notes: [],
  comparison: {
    values: { new: figure(0.9), start: figure(0.9) },
    difference: figure(0),
    start: "cells",
    metric: "f1@0.5",
    sentence: "not shown to be better",
    recommended: "start",
  },
  figures: { "f1@0.5": figure(0.974) },
  split: { test: { images: 1 } },
  evidence: "untested",
} as unknown as Network;

test("figures are numbers without the unit of their sample, and one step is one", () => {
  render(<NetworkCard study="s" network={network} live={false} />);
  expect(screen.getByText("0.974")).toBeTruthy();
  expect(screen.getAllByText("0.900")).toHaveLength(2);
  expect(screen.queryByText(/field group/)).toBeNull();
  expect(screen.getByText(/min, 1 step$/)).toBeTruthy();
});
