import { expect, test } from "vitest";
import { agreements, reliabilities } from "./validation";

const interval = { value: -1.2, low: -1.8, high: -0.7, level: 0.95 };
const agreement = {
  reference: [3, 5],
  prediction: [3, 4],
  mean_difference: interval,
  lower_limit: interval,
  upper_limit: { ...interval, high: null },
  slope: interval,
};
const validation = { tiles: [{ unit: "a" }, { unit: "b" }], candidates: { good: { agreement }, none: {} } };

test("each candidate's tiles come with their names and limits", () => {
  const found = agreements(validation);
  expect(Object.keys(found)).toEqual(["good"]);
  expect(found.good).toMatchObject({ names: ["a", "b"], reference: [3, 5], prediction: [3, 4] });
  expect(found.good?.upper).toEqual({ value: -1.2, low: -1.8, high: null, level: 0.95 });
});

test.each([null, [], "x", { candidates: { a: { agreement: { reference: [1], prediction: [1, 2] } } } }])(
  "what has another shape shows nothing: %j",
  (value) => {
    expect(agreements(value)).toEqual({});
  },
);

test("stated probabilities come with their bins; methods that state none are named", () => {
  const bin = { n_cases: 4, stated: 0.9, observed: { value: 0.5, low: 0.1, high: 0.9, level: 0.95 } };
  const reliability = {
    n_objects: 4,
    bins: [bin],
    excess: interval,
    calibration_error: interval,
    shown: true,
  };
  const found = reliabilities({
    candidates: { sure: { reliability }, rule: { reliability: null }, old: {} },
  });
  expect(found.silent).toEqual(["rule", "old"]);
  expect(found.stated.sure).toMatchObject({ n: 4, shown: true, bins: [{ stated: 0.9, n: 4 }] });
  expect(found.stated.sure?.bins[0]?.observed.low).toBe(0.1);
  const open = { ...reliability, shown: false, excess: { value: 0.1, low: -0.1, high: 0.3 } };
  const off = { ...open, excess: { value: 0.1, low: 0.05, high: 0.2 } };
  const two = reliabilities({
    candidates: { open: { reliability: open }, off: { reliability: off } },
  }).stated;
  expect([two.open?.shown, two.off?.shown]).toEqual([false, true]);
  expect(reliabilities(null)).toEqual({ stated: {}, silent: [] });
});
