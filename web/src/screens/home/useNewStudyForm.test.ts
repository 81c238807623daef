import { expect, test } from "vitest";
import { measureText, positive } from "./useNewStudyForm";

test("measures are written as the command line takes them", () => {
  expect(measureText("count", "area", ">", "")).toBe("count");
  expect(measureText("mean:COLUMN", "eccentricity", ">", "")).toBe("mean:eccentricity");
  expect(measureText("fraction:COLUMN>VALUE", "area", ">", "150")).toBe("fraction:area>150");
  expect(measureText("fraction", "area", "<", "2.5")).toBe("fraction:area<2.5");
});

test.each([
  ["0.325", 0.325],
  ["0,325", 0.325],
  ["5%", 5],
  ["", null],
  ["-1", null],
  ["wide", null],
])("%s is read as %s", (typed, value) => {
  expect(positive(typed)).toBe(value);
});
