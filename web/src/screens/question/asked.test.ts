import { expect, test } from "vitest";
import type { Options, QuestionForm } from "../../api/types";
import { askedOf, faultsOf, requestOf } from "./asked";

const measure = (key: string) => ({ key, text: key, needs_column: false, needs_threshold: false });
const options = {
  measures: ["count", "mean-area", "mean:COLUMN", "fraction:COLUMN>VALUE", "fraction:COLUMN<VALUE"].map(
    measure,
  ),
} as Options;
const question = (changes: Partial<QuestionForm>) =>
  ({ object: "nucleus", measure: "count", tolerance: 0.05, level: 0.9, ...changes }) as QuestionForm;

test.each([
  { measure: "count" },
  { measure: "mean-area" },
  { measure: "mean:eccentricity" },
  { measure: "fraction:area>150" },
  { measure: "fraction:mean_intensity<1.5e-3", tolerance: null },
  { measure: "count", tolerance: 0.07, level: 0.95 },
])("a question that is shown and sent back is the same: %j", (changes) => {
  const given = question(changes);
  const { object, measure: asked, tolerance, level } = given;
  expect(requestOf(askedOf(given, options))).toEqual({ object, measure: asked, tolerance, level });
});

test("a measure with a column is one of the choices of the form", () => {
  const found = askedOf(question({ measure: "fraction:area<20" }), options);
  expect(found).toMatchObject({
    measure: "fraction:COLUMN<VALUE",
    column: "area",
    side: "<",
    threshold: "20",
  });
});

test("what was typed wrong is found", () => {
  const sound = askedOf(question({}), options);
  expect(faultsOf(sound)).toEqual({ tolerance: false, level: false, threshold: false });
  expect(faultsOf({ ...sound, tolerance: "120", level: "40" })).toMatchObject({
    tolerance: true,
    level: true,
  });
  expect(faultsOf({ ...sound, tolerance: "", level: "99,5" })).toMatchObject({
    tolerance: false,
    level: false,
  });
  expect(faultsOf({ ...sound, measure: "fraction:COLUMN>VALUE", threshold: "x" }).threshold).toBe(true);
});
