import { describe, expect, it } from "vitest";
import { MetadataError, readMetadata } from "./metadata";

const scale = (...values: number[]) => [{ type: "scale", scale: values }];
const um = (name: string) => ({ name, type: "space", unit: "micrometer" });

function multiscale(axes: unknown[], scales: number[][]) {
  const datasets = scales.map((each, i) => ({ path: String(i), coordinateTransformations: scale(...each) }));
  return { axes, datasets };
}

describe("metadata of OME-Zarr", () => {
  it("are read in version 0.5, under ome, and in 0.4, at the top", () => {
    const axes = [{ name: "c", type: "channel" }, um("y"), um("x")];
    const omero = {
      channels: [
        { label: "DAPI", color: "0000FF" },
        { label: "", color: "blue" },
      ],
    };
    const multiscales = [multiscale(axes, [[1, 0.5, 0.25]])];
    const expected = {
      axes: "cyx",
      paths: ["0"],
      spacing: { y: 0.5, x: 0.25, z: null },
      channels: [
        { name: "DAPI", color: "0000FF" },
        { name: "channel 2", color: null },
      ],
      made: null,
      notes: [],
    };
    expect(readMetadata({ ome: { version: "0.5", multiscales, omero } })).toEqual(expected);
    expect(readMetadata({ multiscales, omero })).toEqual(expected);
  });

  it("say how much of the lower resolutions is there, and what of the file cannot be used", () => {
    const ome = { multiscales: [multiscale([um("y"), um("x")], [[1, 1]])] };
    const notes = ["Resolution 1 of the file is not used: it is larger than the full one."];
    const found = readMetadata({ ome, veriscope: { made: 0.25, notes } });
    expect([found.made, found.notes]).toEqual([0.25, notes]);
    expect(readMetadata({ ome, veriscope: { made: 0 } }).made).toBe(0);
  });

  it("without a unit mean uncalibrated, whatever the scale says", () => {
    const axes = [{ name: "y" }, { name: "x" }];
    expect(readMetadata({ ome: { multiscales: [multiscale(axes, [[0.5, 0.5]])] } }).spacing).toBeNull();
    const pixels = [
      { name: "y", unit: "pixel" },
      { name: "x", unit: "pixel" },
    ];
    expect(readMetadata({ ome: { multiscales: [multiscale(pixels, [[2, 2]])] } }).spacing).toBeNull();
  });

  it.each([
    ["nanometer", 250, 0.25],
    ["millimeter", 0.001, 1],
    ["meter", 5e-7, 0.5],
  ])("in %s become µm", (unit, size, expected) => {
    const axes = ["y", "x"].map((name) => ({ name, unit }));
    const { spacing } = readMetadata({ multiscales: [multiscale(axes, [[size, size]])] });
    expect(spacing?.x).toBeCloseTo(expected, 9);
  });

  it("use resolutions as far as each halves the one before", () => {
    const axes = [um("z"), um("y"), um("x")];
    const paths = (...scales: number[][]) => readMetadata({ multiscales: [multiscale(axes, scales)] }).paths;
    expect(paths([1, 1, 1], [1, 2, 2], [1, 4, 4])).toEqual(["0", "1", "2"]);
    expect(paths([1, 1, 1], [1, 2.01, 2], [1, 4, 4.03])).toEqual(["0", "1", "2"]);
    expect(paths([1, 1, 1], [1, 3, 3])).toEqual(["0"]);
    expect(paths([1, 1, 1], [2, 2, 2])).toEqual(["0"]);
    expect(paths([1, 1, 1], [1, 2, 2], [1, 8, 8], [1, 16, 16])).toEqual(["0", "1"]);
  });

  it("that are none, or have axes that no picture has, are an error that says so", () => {
    expect(() => readMetadata({})).toThrow(
      new MetadataError("the folder has no multiscales metadata; it is not an OME-Zarr image"),
    );
    expect(() => readMetadata(null)).toThrow("no multiscales");
    expect(() => readMetadata({ multiscales: [multiscale(["q", "y", "x"], [[1, 1, 1]])] })).toThrow(
      "axes q, y, x",
    );
  });
});
