import { describe, expect, it } from "vitest";
import { displayUniforms } from "./displayUniforms";
import { columnColors, labelColor, TABLE_WIDTH } from "./labelStyle";
import { lengthText, scaleBar } from "./scale";
import { tileBounds } from "./tiles";
import { confine, fitBox, isSameView, panes, toImage, viewFromPane, viewOfPane } from "./views";

describe("the scale bar", () => {
  it("is as long as it says, round, and fits", () => {
    for (const zoom of [0.003, 0.4, 1, 7.3, 128]) {
      for (const spacing of [0.0001, 0.065, 1, 20]) {
        const bar = scaleBar(zoom, spacing);
        expect(bar.length).toBeLessThanOrEqual(140.001);
        expect(bar.length).toBeGreaterThan(140 / 2.6);
        const size = (bar.length / zoom) * spacing;
        const digits = Number(size.toPrecision(9)).toExponential().split("e")[0];
        expect(["1", "2", "5"]).toContain(digits);
      }
    }
  });

  it("says the unit that fits", () => {
    expect([0.05, 3, 20, 5000].map(lengthText)).toEqual(["50 nm", "3 µm", "20 µm", "5 mm"]);
  });

  it("of an uncalibrated image counts whole pixels and says so", () => {
    expect(scaleBar(1, null)).toMatchObject({ text: "100 px, uncalibrated", isCalibrated: false });
    expect(scaleBar(500, null).text).toBe("1 px, uncalibrated");
  });
});

describe("views", () => {
  const view = { x: 100, y: 50, zoom: 1.5 };

  it("of the two sides of a swipe show one picture without a seam", () => {
    const [left, right] = panes("swipe", 2, 1000, 0.3);
    expect([left?.width, right?.x, right?.width]).toEqual([300, 300, 700]);
    for (const x of [0, 150, 299.5, 300, 650, 1000]) {
      const whole = toImage(view, { x: 0, width: 1000, offset: 0 }, 600, { x, y: 300 });
      const part = x < 300 ? left : right;
      expect(toImage(view, part as never, 600, { x, y: 300 }).x).toBeCloseTo(whole.x, 9);
    }
  });

  it("of panes are undone exactly", () => {
    for (const pane of panes("swipe", 2, 800, 0.7)) {
      const back = viewFromPane(viewOfPane(view, pane), pane);
      expect(back.x).toBeCloseTo(view.x, 9);
    }
  });

  it("side by side share the width without a gap", () => {
    const found = panes("side-by-side", 3, 1000, 0.5);
    expect(found.map(({ x }) => x)).toEqual([0, 333, 667]);
    expect(found.reduce((sum, { width }) => sum + width, 0)).toBe(1000);
    expect(panes("single", 3, 1000, 0.5)).toHaveLength(1);
  });

  it("that fit show all of a box, also of one pixel and of a huge image", () => {
    for (const [w, h] of [
      [1, 1],
      [32768, 32768],
      [10, 4000],
    ] as const) {
      const { x, y, zoom } = fitBox({ x0: 0, y0: 0, x1: w, y1: h }, { width: 900, height: 600 });
      expect([x, y]).toEqual([w / 2, h / 2]);
      expect(w * 2 ** zoom).toBeLessThanOrEqual(900);
      expect(h * 2 ** zoom).toBeLessThanOrEqual(600);
    }
  });

  it("are the same whatever rounding does, and not where one would see another place", () => {
    expect(isSameView(view, { ...view, x: view.x + 1e-9, zoom: view.zoom + 1e-9 })).toBe(true);
    expect(isSameView(view, { ...view, zoom: view.zoom + 0.1 })).toBe(false);
    expect(isSameView(view, { ...view, y: view.y - 1 / 2 ** view.zoom })).toBe(false);
  });

  it("stay on the image", () => {
    const image = { width: 100, height: 50 };
    expect(confine({ x: -500, y: 900, zoom: 99 }, image)).toEqual({ x: 0, y: 50, zoom: 7 });
    expect(confine({ x: 5, y: 5, zoom: -99 }, image).zoom).toBeGreaterThan(-10);
  });
});

describe("tiles", () => {
  it("of coarser levels cover twice the pixels, and end where their data do", () => {
    expect(tileBounds({ x: 1, y: 2, z: 0 }, { width: 512, height: 100 }, 512)).toEqual([
      512, 1124, 1024, 1024,
    ]);
    expect(tileBounds({ x: 1, y: 0, z: -2 }, { width: 10, height: 512 }, 512)).toEqual([2048, 2048, 2088, 0]);
  });
});

describe("colours of objects", () => {
  it("differ between neighbours in number, and with the seed", () => {
    let alike = 0;
    for (let label = 1; label < 1000; label++) {
      const [a, b] = [labelColor(label, 0), labelColor(label + 1, 0)];
      if (Math.hypot(...a.map((each, i) => each - (b[i] as number))) < 30) alike += 1;
      expect(a.every((each) => each >= 0 && each <= 255)).toBe(true);
    }
    expect(alike).toBeLessThan(40);
    expect(labelColor(5, 0)).not.toEqual(labelColor(5, 1));
  });

  it("by value go from low to high and leave what is missing grey", () => {
    const labels = Array.from({ length: 5000 }, (_, i) => i + 1);
    const values = labels.map((label) => (label === 17 ? null : label));
    const { table, rows, low, high, missing } = columnColors({ labels, values, unit: "" });
    expect(rows).toBe(Math.floor(5000 / TABLE_WIDTH) + 1);
    expect([low, high]).toEqual([100, 4900].map((each) => expect.closeTo(each, -1)));
    expect(missing).toBe(1);
    expect([...table.subarray(4 * 17, 4 * 18)]).toEqual([128, 128, 128, 255]);
    expect([...table.subarray(4, 7)]).toEqual([0x44, 0x01, 0x54]);
    expect([...table.subarray(4 * 5000, 4 * 5000 + 3)]).toEqual([0xfd, 0xe7, 0x25]);
    expect(table[4 * 5001 + 3]).toBe(0);
  });

  it("of nothing, or of one value, are no error", () => {
    expect(columnColors({ labels: [], values: [], unit: "" }).rows).toBe(1);
    expect(columnColors({ labels: [3], values: [7], unit: "" })).toMatchObject({ low: 7, high: 7 });
  });
});

describe("colours on the graphics card", () => {
  it("are given for six channels whatever is shown, black where there is none", () => {
    const uniforms = displayUniforms([
      { index: 0, name: "a", visible: true, color: "#ff0000", low: 0, high: 1, gamma: 2 },
    ]);
    expect(Object.keys(uniforms)).toHaveLength(60);
    expect(uniforms.stop0_9).toEqual([1, 0, 0, 2]);
    expect(uniforms.stop5_9).toEqual([0, 0, 0, 1]);
  });
});
