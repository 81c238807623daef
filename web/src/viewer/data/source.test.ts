import { describe, expect, it } from "vitest";
import type { Pyramid } from "./pyramid";
import { labelsOver, projectPlanes, TileSource, whyNoProjection } from "./source";

const pyramid = (change: Partial<Pyramid>) =>
  ({ nPlanes: 10, width: 500, height: 500, tileSize: 512, levels: [], ...change }) as Pyramid;

describe("projection", () => {
  const planes = [
    [1, 9, 3],
    [4, 2, 3],
    [4, 1, 6],
  ].map((values) => ({ data: Uint8Array.from(values), width: 3, height: 1 }));

  it("takes the maximum in the type of the pixels, or the mean as float", () => {
    expect(projectPlanes(planes, "max").data).toEqual(Uint8Array.from([4, 9, 6]));
    const mean = projectPlanes(planes, "mean").data;
    expect(mean).toBeInstanceOf(Float32Array);
    for (const [i, each] of [3, 4, 4].entries()) expect(mean[i]).toBeCloseTo(each, 5);
    expect(planes[0]?.data).toEqual(Uint8Array.from([1, 9, 3]));
  });

  it("is refused with a reason where it would take too long", () => {
    expect(whyNoProjection(pyramid({}))).toBeNull();
    expect(whyNoProjection(pyramid({ nPlanes: 1 }))).toBe("The image has one plane.");
    expect(whyNoProjection(pyramid({ nPlanes: 97 }))).toContain("97 planes are too many");
    expect(whyNoProjection(pyramid({ nPlanes: 90, width: 9000, height: 9000, tileSize: 1024 }))).toContain(
      "too many",
    );
  });
});

describe("labels over a stack", () => {
  const over = (nPlanes: number, projection: "none" | "max" | "mean") =>
    labelsOver(pyramid({ nPlanes, nTimes: 1 }), { z: 3, t: 2, projection });

  it("are those of the plane, or of all planes where all are shown", () => {
    expect(over(5, "none")).toEqual({ place: { c: 0, z: 3, t: 0 }, projection: "none" });
    expect(over(5, "max").projection).toBe("max");
    expect(over(5, "mean").projection).toBe("max");
  });

  it("are the same everywhere where they have one plane", () => {
    for (const projection of ["none", "max", "mean"] as const)
      expect(over(1, projection)).toEqual({ place: { c: 0, z: 0, t: 0 }, projection: "none" });
  });
});

describe("values under the pointer", () => {
  it("are unknown until a tile is loaded", () => {
    const level = { width: 500, height: 500, array: {} as never };
    const source = new TileSource(pyramid({ levels: [level] }));
    expect(source.valueAt(3, 4, { c: 0, z: 0, t: 0 }, "none")).toBeNull();
  });
});
