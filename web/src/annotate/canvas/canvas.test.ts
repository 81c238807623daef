import { describe, expect, it } from "vitest";
import { drawing, forSeeds, randomLabels } from "../model/testing";
import { fitCamera, pan, pixelsIn, screenOf, toPixel, toScreen, zoomAt } from "./camera";
import { outlineSegments } from "./outlines";

const screen = { width: 800, height: 600 };
const image = { width: 300, height: 200 };

describe("the camera", () => {
  it("goes to the screen and back", () => {
    forSeeds(50, (random) => {
      const camera = { scale: 0.1 + 20 * random.next(), x: 300 * random.next(), y: -200 * random.next() };
      const at = random.point(300, 200);
      const back = toPixel(camera, toScreen(camera, at));
      expect([back.x, back.y]).toEqual([expect.closeTo(at.x, 6), expect.closeTo(at.y, 6)]);
    });
  });

  it("keeps the place under the pointer when it zooms", () => {
    forSeeds(50, (random) => {
      const camera = { scale: 2, x: 20, y: 30 };
      const at = random.point(800, 600);
      const zoomed = zoomAt(camera, 0.2 + 3 * random.next(), at, image, screen);
      expect(toPixel(zoomed, at).x).toBeCloseTo(toPixel(camera, at).x, 6);
    });
  });

  it("shows a whole box, and never loses the picture", () => {
    const { scale, x, y } = fitCamera({ x0: 20, y0: 20, x1: 276, y1: 180 }, screen);
    expect(20 * scale + x).toBeGreaterThanOrEqual(15.9);
    expect(276 * scale + x).toBeLessThanOrEqual(784.1);
    expect(180 * scale + y).toBeLessThanOrEqual(584.1);
    const away = pan({ scale: 1, x: 0, y: 0 }, 9999, -9999, image, screen);
    expect(away.x).toBeLessThan(800);
    expect(away.y + 200).toBeGreaterThan(0);
  });

  it("knows which part of the screen a changed box is on", () => {
    const camera = { scale: 3, x: 10, y: 20 };
    const box = { x0: 5, y0: 6, x1: 9, y1: 12 };
    const part = screenOf(camera, box);
    const pixels = pixelsIn(camera, part);
    expect(pixels.x0).toBeLessThanOrEqual(5);
    expect(pixels.y1).toBeGreaterThanOrEqual(12);
  });
});

describe("outlines", () => {
  const length = (
    labels: ReturnType<typeof drawing>,
    box = { x0: 0, y0: 0, x1: labels.width, y1: labels.height },
  ) =>
    new Map(
      [...outlineSegments(labels, box)].map(([label, segments]) => [
        label,
        segments.reduce((sum, [x0, y0, x1, y1]) => sum + Math.abs(x1 - x0) + Math.abs(y1 - y0), 0),
      ]),
    );

  it("of a rectangle are four lines", () => {
    const found = outlineSegments(drawing("..... .111. .111. ....."), { x0: 0, y0: 0, x1: 5, y1: 4 });
    expect(found.get(1)).toHaveLength(4);
    expect(found.get(1)).toContainEqual([1, 1, 4, 1]);
    expect(found.get(1)).toContainEqual([4, 1, 4, 3]);
  });

  it("have every edge between different labels once for each of the two", () => {
    forSeeds(60, (random) => {
      const labels = randomLabels(random);
      const { width, height, data } = labels;
      const at = (x: number, y: number) =>
        x < 0 || y < 0 || x >= width || y >= height ? 0 : (data[y * width + x] as number);
      const expected = new Map<number, number>();
      data.forEach((label, i) => {
        if (label === 0) return;
        const [x, y] = [i % width, Math.floor(i / width)];
        const sides = [at(x - 1, y), at(x + 1, y), at(x, y - 1), at(x, y + 1)].filter(
          (each) => each !== label,
        ).length;
        if (sides > 0) expected.set(label, (expected.get(label) ?? 0) + sides);
      });
      expect([...length(labels)].sort()).toEqual([...expected].sort());
    });
  });

  it("in blocks add up to those of the whole", () => {
    forSeeds(30, (random) => {
      const labels = randomLabels(random);
      const cut = random.integer(0, labels.width);
      const [left, right] = [
        { x0: 0, x1: cut },
        { x0: cut, x1: labels.width },
      ].map((part) => length(labels, { ...part, y0: 0, y1: labels.height })) as [
        Map<number, number>,
        Map<number, number>,
      ];
      for (const [label, whole] of length(labels)) {
        expect((left.get(label) ?? 0) + (right.get(label) ?? 0)).toBe(whole);
      }
    });
  });
});
