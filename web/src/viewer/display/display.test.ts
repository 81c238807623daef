import { describe, expect, it } from "vitest";
import type { Pyramid } from "../data/pyramid";
import { adjust, autoLimits, initialChannels, isRgb, MOST_SHOWN, toggle } from "./channels";
import { COLORMAPS, colorAt, lookupTable, parseHex, toHex } from "./colormaps";
import { composite } from "./composite";

const image = (nChannels: number, names: string[] = [], colors: (string | null)[] = []) =>
  ({
    nChannels,
    dtype: "uint16",
    info: { channels: names.map((name, i) => ({ name, color: colors[i] ?? null })) },
  }) as unknown as Pyramid;
const raster = (...values: number[]) => ({
  data: Float32Array.from(values),
  width: values.length,
  height: 1,
});

describe("colour maps", () => {
  it("go from their first to their last colour, and colours from black", () => {
    expect(toHex(colorAt("viridis", 0))).toBe("#440154");
    expect(toHex(colorAt("viridis", 1))).toBe("#fde725");
    expect(colorAt("#ff8000", 0)).toEqual([0, 0, 0]);
    expect(colorAt("#ff8000", 1)).toEqual([255, 128, 0]);
    expect(colorAt("#ff8000", 7)).toEqual([255, 128, 0]);
  });

  it.each(["viridis", "magma", "inferno", "cividis", "grey"])("%s gets brighter all the way", (name) => {
    const light = Array.from({ length: 64 }, (_, i) => {
      const [r, g, b] = colorAt(name, i / 63);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    });
    for (let i = 1; i < 64; i++) expect(light[i]).toBeGreaterThanOrEqual((light[i - 1] as number) - 0.5);
  });

  it("and gamma are in the table: the middle of a gamma of 2 is a quarter", () => {
    expect(lookupTable("grey", 2)[4 * 128]).toBe(Math.round(255 * (128 / 255) ** 2));
    for (const name of COLORMAPS) expect(lookupTable(name, 1)).toHaveLength(1024);
  });

  it("keep a colour through hex", () => {
    for (const color of ["#000000", "#0a141e", "#ffffff"]) expect(toHex(parseHex(color))).toBe(color);
  });
});

describe("automatic limits", () => {
  it("lie between percentiles and leave outliers out", () => {
    const values = Array.from({ length: 10_000 }, (_, i) => i / 100);
    values[0] = 1e9;
    const found = autoLimits(raster(...values));
    expect(found?.low).toBeCloseTo(0.1, 1);
    expect(found?.high).toBeCloseTo(99.8, 0);
    expect(found?.max).toBe(1e9);
  });

  it("of an empty plane show black, of a constant one do not", () => {
    expect(autoLimits(raster(0, 0))).toMatchObject({ low: 0, high: 1 });
    expect(autoLimits(raster(7, 7))).toMatchObject({ low: 0, high: 7 });
    expect(autoLimits(raster(-3, -3))).toMatchObject({ low: -3, high: -2 });
  });

  it("ignore what is no number, and are none where nothing else is", () => {
    expect(autoLimits(raster(Number.NaN, 1, 5, Number.POSITIVE_INFINITY))).toMatchObject({ min: 1, max: 5 });
    expect(autoLimits(raster(Number.NaN))).toBeNull();
  });

  it("of an image that is there in part leave out what is not there, also if nothing is", () => {
    const values = raster(0, 0, 0, 0, 0, 0, 40, 60);
    expect(autoLimits(values, { isPartial: true })).toMatchObject({ min: 40, max: 60 });
    expect(autoLimits(values)).toMatchObject({ min: 0, max: 60 });
    expect(autoLimits(raster(0, 0), { isPartial: true })).toBeNull();
  });

  it("of tiny values stay apart", () => {
    const found = autoLimits(raster(1e-6, 2e-6, 3e-6));
    expect((found?.high ?? 0) - (found?.low ?? 0)).toBeGreaterThan(1e-6);
  });
});

describe("channels", () => {
  it("are red, green and blue for a colour picture", () => {
    const channels = initialChannels(image(3, ["red", "green", "blue"]));
    expect(channels.map(({ color }) => color)).toEqual(["#ff0000", "#00ff00", "#0000ff"]);
    expect(isRgb(image(3, ["a", "b", "c"]))).toBe(false);
  });

  it("have the file's colours, unless those are all alike", () => {
    expect(initialChannels(image(2, ["a", "b"], ["0000FF", "00FF00"])).map(({ color }) => color)).toEqual([
      "#0000ff",
      "#00ff00",
    ]);
    const [a, b] = initialChannels(image(2, ["a", "b"], ["FFFFFF", "FFFFFF"]));
    expect(a?.color).not.toBe(b?.color);
  });

  it("of two hundred show three at first and never more than six", () => {
    let channels: ReturnType<typeof initialChannels> = initialChannels(image(200));
    expect(channels.filter(({ visible }) => visible)).toHaveLength(3);
    for (let i = 3; i < 10; i++) channels = [...toggle(channels, i).channels];
    expect(channels.filter(({ visible }) => visible)).toHaveLength(MOST_SHOWN);
    expect(toggle(channels, 50).refused).toBe(true);
    expect(toggle(channels, 0).refused).toBe(false);
  });

  it("locked together share limits and gamma, not colours", () => {
    const channels = initialChannels(image(3));
    const changed = adjust(channels, 1, { low: 10, gamma: 0.5, color: "magma" }, true);
    expect(changed.map(({ low, gamma }) => [low, gamma])).toEqual([
      [10, 0.5],
      [10, 0.5],
      [10, 0.5],
    ]);
    expect(changed.filter(({ color }) => color === "magma")).toHaveLength(1);
    expect(adjust(channels, 1, { low: 10 }, false)[0]?.low).toBe(0);
  });
});

describe("the composite", () => {
  const part = { low: 0, high: 10, gamma: 1, color: "grey" };

  it("stretches between the limits and clips outside", () => {
    const rgba = composite([{ ...part, data: Float32Array.from([-5, 0, 5, 10, 99, Number.NaN]) }], 6);
    expect([0, 1, 2, 3, 4, 5].map((i) => rgba[4 * i])).toEqual([0, 0, 128, 255, 255, 0]);
    expect(rgba[3]).toBe(255);
  });

  it("adds channels up to white", () => {
    const data = Uint8Array.from([10]);
    const rgba = composite(
      [
        { ...part, color: "#ff0000", data },
        { ...part, color: "#ff8000", data },
      ],
      1,
    );
    expect([...rgba]).toEqual([255, 128, 0, 255]);
    expect([...composite([], 1)]).toEqual([0, 0, 0, 255]);
  });
});
