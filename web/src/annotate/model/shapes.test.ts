import { describe, expect, it } from "vitest";
import { components } from "./components";
import { makeLabels, type Point } from "./labels";
import { capsule, line, polygon, thin } from "./shapes";
import { asDrawing, forSeeds } from "./testing";

function drawn(width: number, height: number, draw: (visit: (place: number) => void) => void): Set<number> {
  const places = new Set<number>();
  draw((place) => {
    if (place < 0 || place >= width * height) throw new Error(`place ${place} is outside`);
    places.add(place);
  });
  return places;
}

function picture(width: number, height: number, places: Set<number>): string {
  const labels = makeLabels(width, height);
  for (const place of places) labels.data[place] = 1;
  return asDrawing(labels);
}

const extent = { width: 30, height: 30 };

describe("a line", () => {
  it("is connected by sides and reaches both ends", () => {
    forSeeds(200, (random) => {
      const [a, b] = [0, 1].map(() => ({ x: random.integer(0, 29), y: random.integer(0, 29) })) as [
        Point,
        Point,
      ];
      const places = drawn(30, 30, (visit) => line(extent, a, b, visit));
      expect(places.has(a.y * 30 + a.x)).toBe(true);
      expect(places.has(b.y * 30 + b.x)).toBe(true);
      expect(places.size).toBe(Math.abs(a.x - b.x) + Math.abs(a.y - b.y) + 1);
      expect(components(extent, places, (place) => places.has(place))).toHaveLength(1);
    });
  });
});

describe("a brush", () => {
  it("covers exactly the pixels within its radius", () => {
    forSeeds(60, (random) => {
      const [a, b] = [random.point(30, 30), random.point(30, 30)];
      const radius = 0.6 + 6 * random.next();
      const places = drawn(30, 30, (visit) => capsule(extent, a, b, radius, visit));
      for (let i = 0; i < 900; i++) {
        const distance = distanceToSegment({ x: i % 30, y: Math.floor(i / 30) }, a, b);
        if (Math.abs(distance - radius) < 1e-9) continue;
        if (places.has(i) !== distance < radius) throw new Error(`pixel ${i} at distance ${distance}`);
      }
    });
  });

  it("of radius 2 is this disc", () => {
    const places = drawn(5, 5, (visit) => {
      capsule({ width: 5, height: 5 }, { x: 2, y: 2 }, { x: 2, y: 2 }, 2, visit);
    });
    expect(picture(5, 5, places)).toBe("..1..\n.111.\n11111\n.111.\n..1..");
  });
});

describe("a polygon", () => {
  it("has on average the area it encloses, and so keeps objects their size", () => {
    let [area, pixels] = [0, 0];
    forSeeds(300, (random) => {
      const centre = { x: 12 + 6 * random.next(), y: 12 + 6 * random.next() };
      const corners = Array.from({ length: 12 }, (_, i) => {
        const radius = 5 + 6 * random.next();
        return { x: centre.x + radius * Math.cos(i * 0.5236), y: centre.y + radius * Math.sin(i * 0.5236) };
      });
      area += shoelace(corners);
      pixels += drawn(30, 30, (visit) => polygon(extent, corners, visit)).size;
    });
    expect(Math.abs(pixels / area - 1)).toBeLessThan(0.005);
  });

  it("with corners on pixel centres takes its left and upper edge", () => {
    const square = [1, 1, 4, 1, 4, 4, 1, 4];
    const corners = [0, 2, 4, 6].map((i) => ({ x: square[i] as number, y: square[i + 1] as number }));
    const places = drawn(6, 6, (visit) => polygon({ width: 6, height: 6 }, corners, visit));
    expect(picture(6, 6, places)).toBe("......\n.111..\n.111..\n.111..\n......\n......");
  });

  it("of two shapes side by side leaves no gap and no overlap", () => {
    const left = [
      { x: 1, y: 1 },
      { x: 3.3, y: 1 },
      { x: 4.1, y: 6 },
      { x: 1, y: 6 },
    ];
    const right = [
      { x: 3.3, y: 1 },
      { x: 7, y: 1 },
      { x: 7, y: 6 },
      { x: 4.1, y: 6 },
    ];
    const small = { width: 8, height: 8 };
    const a = drawn(8, 8, (visit) => polygon(small, left, visit));
    const b = drawn(8, 8, (visit) => polygon(small, right, visit));
    expect([...a].filter((place) => b.has(place))).toEqual([]);
    expect(a.size + b.size).toBe(30);
  });

  it("of fewer than three corners, or outside the image, paints nothing", () => {
    expect(
      drawn(30, 30, (visit) =>
        polygon(
          extent,
          [
            { x: 1, y: 1 },
            { x: 9, y: 9 },
          ],
          visit,
        ),
      ).size,
    ).toBe(0);
    const away = [
      { x: -9, y: -9 },
      { x: -2, y: -9 },
      { x: -2, y: -2 },
    ];
    expect(drawn(30, 30, (visit) => polygon(extent, away, visit)).size).toBe(0);
  });
});

describe("thinning", () => {
  it("keeps the first point and steps of at least the distance", () => {
    const points = Array.from({ length: 50 }, (_, i) => ({ x: i * 0.3, y: 0 }));
    const kept = thin(points, 1);
    expect(kept[0]).toEqual(points[0]);
    for (let i = 1; i < kept.length; i++) {
      expect((kept[i] as Point).x - (kept[i - 1] as Point).x).toBeGreaterThanOrEqual(1);
    }
  });
});

function shoelace(corners: readonly Point[]): number {
  const twice = corners.reduce((sum, a, i) => {
    const b = corners[(i + 1) % corners.length] as Point;
    return sum + a.x * b.y - b.x * a.y;
  }, 0);
  return Math.abs(twice) / 2;
}

function distanceToSegment(p: Point, a: Point, b: Point): number {
  const length2 = (b.x - a.x) ** 2 + (b.y - a.y) ** 2 || 1;
  const t = Math.min(1, Math.max(0, ((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y)) / length2));
  return Math.hypot(p.x - a.x - t * (b.x - a.x), p.y - a.y - t * (b.y - a.y));
}
