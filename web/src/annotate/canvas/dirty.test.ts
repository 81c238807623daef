import { describe, expect, it } from "vitest";
import { type Box, isEmpty } from "../model/labels";
import { forSeeds, type Random } from "../model/testing";
import { DirtyBoxes } from "./dirty";
import { movedCentres } from "./renderer";

function boxIn(random: Random, side: number, most: number): Box {
  const [x0, y0] = [random.integer(0, side), random.integer(0, side)];
  return { x0, y0, x1: x0 + random.integer(0, most), y1: y0 + random.integer(0, most) };
}

const holds = (outer: Box, inner: Box) =>
  outer.x0 <= inner.x0 && outer.y0 <= inner.y0 && outer.x1 >= inner.x1 && outer.y1 >= inner.y1;

describe("boxes to draw anew", () => {
  it("hold everything that was added, each place once, and are not many", () => {
    forSeeds(100, (random) => {
      const dirty = new DirtyBoxes();
      const added = Array.from({ length: random.integer(0, 40) }, () => boxIn(random, 400, 30));
      for (const box of added) dirty.add(box);
      const boxes = dirty.take();
      for (const box of added) {
        if (!isEmpty(box)) expect(boxes.some((each) => holds(each, box))).toBe(true);
      }
      boxes.forEach((a, i) => {
        for (const b of boxes.slice(i + 1)) {
          expect(a.x1 <= b.x0 || b.x1 <= a.x0 || a.y1 <= b.y0 || b.y1 <= a.y0).toBe(true);
        }
      });
      expect(boxes.length).toBeLessThanOrEqual(12);
      expect(dirty.take()).toEqual([]);
    });
  });

  it("stay small where they are far apart", () => {
    const dirty = new DirtyBoxes();
    dirty.add({ x0: 0, y0: 0, x1: 4, y1: 4 });
    dirty.add({ x0: 900, y0: 900, x1: 904, y1: 904 });
    dirty.add({ x0: 3, y0: 3, x1: 8, y1: 8 });
    const area = dirty.take().reduce((sum, { x0, y0, x1, y1 }) => sum + (x1 - x0) * (y1 - y0), 0);
    expect(area).toBe(64 + 16);
  });

  it("become one where a new one joins two", () => {
    const dirty = new DirtyBoxes();
    dirty.add({ x0: 0, y0: 0, x1: 4, y1: 4 });
    dirty.add({ x0: 8, y0: 0, x1: 12, y1: 4 });
    dirty.add({ x0: 4, y0: 0, x1: 8, y1: 4 });
    expect(dirty.take()).toEqual([{ x0: 0, y0: 0, x1: 12, y1: 4 }]);
  });
});

describe("centres", () => {
  const object = (label: number, x: number, counts = true) => ({
    label,
    x,
    y: 0,
    area: 9,
    counts,
    isCut: false,
  });

  it("are drawn anew where they were and where they are, and nowhere else", () => {
    const before = [object(1, 1), object(2, 2), object(3, 3), object(4, 4)];
    const after = [object(1, 1), object(2, 20), object(4, 4, false), object(5, 5)];
    const places = movedCentres(before, after).map(({ x }) => x);
    expect(places.sort((a, b) => a - b)).toEqual([2, 3, 4, 4, 5, 20]);
  });

  it("of the same objects are left alone", () => {
    const objects = [object(1, 1), object(2, 2)];
    expect(movedCentres(objects, objects)).toEqual([]);
    expect(
      movedCentres(
        objects,
        objects.map((each) => ({ ...each })),
      ),
    ).toEqual([]);
  });
});
