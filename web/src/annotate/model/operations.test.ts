import { describe, expect, it } from "vitest";
import { components } from "./components";
import { boxOf, EMPTY_BOX, type Labels, labelAt, makeLabels, type Point } from "./labels";
import { fillHoles, fillPolygon, floodFill, merge, paint, remove, split } from "./operations";
import { apply, invert, record } from "./patch";
import { asDrawing, drawing, forSeeds, randomLabels } from "./testing";

const counter = (from: number) => () => from++;
const areas = ({ data }: Labels) => {
  const found = new Map<number, number>();
  for (const label of data) found.set(label, (found.get(label) ?? 0) + 1);
  return found;
};

describe("fill", () => {
  it("changes the connected pixels of the same label and nothing else", () => {
    const labels = drawing("11..1 1.22. ..2.2");
    floodFill(labels, { x: 3, y: 1 }, 7);
    expect(asDrawing(labels)).toBe("11..1\n1.77.\n..7.2");
  });

  it("reaches all of the background around objects, and is one step back", () => {
    forSeeds(80, (random) => {
      const labels = randomLabels(random);
      const before = labels.data.slice();
      const at = { x: random.integer(0, labels.width - 1), y: random.integer(0, labels.height - 1) };
      const place = at.y * labels.width + at.x;
      const patch = floodFill(labels, at, 99);
      const same = before[place];
      const parts = components(labels, [place], (each) => before[each] === same);
      expect(new Set(parts[0])).toEqual(
        new Set([...labels.data.keys()].filter((i) => labels.data[i] === 99)),
      );
      apply(labels, invert(patch));
      expect(labels.data).toEqual(before);
    });
  });

  it("of holes fills what the object encloses, and leaves other objects in it alone", () => {
    const labels = drawing("111.. 1.1.. 121.. 111.1");
    fillHoles(labels, 1);
    expect(asDrawing(labels)).toBe("111..\n111..\n121..\n111.1");
  });
});

describe("split", () => {
  it("cuts along a line without losing a pixel, the larger part keeps its label", () => {
    const labels = drawing("1111111 1111111 1111111");
    split(
      labels,
      [
        { x: 2, y: 0 },
        { x: 2, y: 2 },
      ],
      counter(5),
    );
    const found = areas(labels);
    expect((found.get(1) ?? 0) + (found.get(5) ?? 0)).toBe(21);
    expect(found.get(1)).toBeGreaterThan(found.get(5) ?? 0);
    expect(labelAt(labels, { x: 0, y: 0 })).toBe(5);
    expect(labelAt(labels, { x: 5, y: 2 })).toBe(1);
  });

  it("keeps objects whole that the line only touches, and parts that were apart before", () => {
    const labels = drawing("1111.. 1111.1 ......");
    const before = labels.data.slice();
    expect(
      split(
        labels,
        [
          { x: 1, y: 0 },
          { x: 1, y: 0 },
        ],
        counter(5),
      ),
    ).toHaveLength(0);
    expect(labels.data).toEqual(before);
    split(
      labels,
      [
        { x: 1, y: 0 },
        { x: 1, y: 2 },
      ],
      counter(5),
    );
    expect(labelAt(labels, { x: 5, y: 1 })).toBe(1);
  });

  it("cuts several objects with one line, or one of them where told", () => {
    const two = () => drawing("111222 111222 111222");
    const across: Point[] = [
      { x: 0, y: 1 },
      { x: 5, y: 1 },
    ];
    const all = two();
    split(all, across, counter(5));
    expect(new Set(all.data)).toEqual(new Set([1, 2, 5, 6]));
    const one = two();
    split(one, across, counter(5), 2);
    expect(new Set(one.data)).toEqual(new Set([1, 2, 5]));
    expect(areas(one).get(1)).toBe(9);
  });

  it("never changes which pixels are background, and adds up for every object", () => {
    forSeeds(150, (random) => {
      const labels = randomLabels(random);
      const before = { ...labels, data: labels.data.slice() };
      const path = [0, 1, 2].map(() => random.point(labels.width, labels.height));
      const parents = new Map<number, number>();
      const patch = split(labels, path, counter(100));
      labels.data.forEach((label, i) => {
        const old = before.data[i] as number;
        if (label === old) return;
        expect(old).toBeGreaterThan(0);
        expect(label).toBeGreaterThanOrEqual(100);
        expect(parents.get(label) ?? old).toBe(old);
        parents.set(label, old);
      });
      apply(labels, invert(patch));
      expect(labels.data).toEqual(before.data);
    });
  });

  it("and merge undo each other", () => {
    forSeeds(60, (random) => {
      const labels = makeLabels(20, 12, new Int32Array(240).fill(4));
      const x = random.integer(1, 18);
      split(
        labels,
        [
          { x, y: 0 },
          { x, y: 11 },
        ],
        counter(9),
      );
      expect(new Set(labels.data)).toEqual(new Set([4, 9]));
      merge(labels, [4, 9]);
      expect(new Set(labels.data)).toEqual(new Set([4]));
    });
  });
});

describe("merge and delete", () => {
  it("give all objects the first label", () => {
    const labels = drawing("11.22 33.44");
    merge(labels, [2, 4, 3]);
    expect(asDrawing(labels)).toBe("11.22\n22.22");
  });

  it("do nothing without two different objects", () => {
    const labels = drawing("11.22");
    for (const chosen of [[], [1], [1, 1], [0, 1]]) expect(merge(labels, chosen)).toHaveLength(0);
    expect(remove(labels, [0, 7])).toHaveLength(0);
  });

  it("delete makes background of the chosen objects alone", () => {
    const labels = drawing("11.22 33.44");
    remove(labels, [1, 4]);
    expect(asDrawing(labels)).toBe("...22\n33...");
  });
});

describe("painting", () => {
  const stroke = { from: { x: 0, y: 0 }, to: { x: 4, y: 0 }, radius: 0.5, label: 9 };

  it("overwrites everything or only background, as told", () => {
    const over = drawing("..22. .....");
    record(over, (recorder) => paint(recorder, { ...stroke, overwrite: "everything" }));
    expect(asDrawing(over)).toBe("99999\n.....");
    const around = drawing("..22. .....");
    record(around, (recorder) => paint(recorder, { ...stroke, overwrite: "background" }));
    expect(asDrawing(around)).toBe("99229\n.....");
  });

  it("of many dabs is one patch that undoes them all", () => {
    forSeeds(100, (random) => {
      const labels = randomLabels(random);
      const before = labels.data.slice();
      const patch = record(labels, (recorder) => {
        let from = random.point(labels.width, labels.height);
        for (let n = random.integer(1, 20); n > 0; n--) {
          const to = random.point(labels.width, labels.height);
          const overwrite = random.choose(["everything", "background"] as const);
          paint(recorder, { from, to, radius: 5 * random.next(), label: random.integer(0, 9), overwrite });
          from = to;
        }
      });
      apply(labels, invert(patch));
      expect(labels.data).toEqual(before);
    });
  });

  it("polygons add to an object or cut from it", () => {
    const labels = makeLabels(6, 6);
    const square = [
      { x: 1, y: 1 },
      { x: 5, y: 1 },
      { x: 5, y: 5 },
      { x: 1, y: 5 },
    ];
    fillPolygon(labels, square, 3, "everything");
    expect(areas(labels).get(3)).toBe(16);
    expect(boxOf(labels, 3)).toEqual({ x0: 1, y0: 1, x1: 5, y1: 5 });
    fillPolygon(labels, square, 0, "everything");
    expect(boxOf(labels, 3)).toEqual(EMPTY_BOX);
  });
});
