import { describe, expect, it } from "vitest";
import type { Description } from "../../api/types";
import { isPlace, lengthsOf, planeText } from "./stacks";

type Images = Description["images"];
const image = (axes: string, ...shape: number[]) => ({ axes, shape }) as Images[number];

describe("planes of stacks in a new study", () => {
  it("knows the planes and times that every stack has", () => {
    expect(lengthsOf([])).toEqual({ depth: 0, times: 0 });
    expect(lengthsOf([image("yx", 9, 8)])).toEqual({ depth: 0, times: 0 });
    expect(lengthsOf([image("zyx", 5, 9, 8), image("zcyx", 3, 2, 9, 8), image("yx", 9, 8)])).toEqual({
      depth: 3,
      times: 0,
    });
    expect(lengthsOf([image("tyx", 7, 9, 8), image("tczyx", 4, 2, 6, 9, 8)])).toEqual({ depth: 6, times: 4 });
  });

  it.each([
    [0, 0, undefined],
    [5, 0, "z=max"],
    [0, 5, "t=each"],
    [5, 5, "z=max,t=each"],
  ])("with %d planes and %d times asks for %s", (depth, times, asked) => {
    expect(planeText(depth, times, "max", "each")).toBe(asked);
  });

  it.each([
    ["0", true],
    [" 4 ", true],
    ["5", false],
    ["-1", false],
    ["1.5", false],
    ["", false],
    ["1e0", false],
  ])("takes %j as one of 5 places: %s", (typed, is) => {
    expect(isPlace(typed, 5)).toBe(is);
  });
});
