import { describe, expect, it } from "vitest";
import { type Cuts, cutsOf, ObjectSums } from "./counting";
import type { Box, Labels } from "./labels";
import { record } from "./patch";
import { drawing, forSeeds, randomLabels } from "./testing";

const countObjects = (labels: Labels, tile: Box, cuts?: Cuts) => new ObjectSums(labels).objects(tile, cuts);

describe("the counting rule", () => {
  it("gives every object of an image to exactly one of the tiles that cover it", () => {
    forSeeds(80, (random) => {
      const labels = randomLabels(random);
      const { width, height } = labels;
      const [x, y] = [random.integer(0, width), random.integer(0, height)];
      const tiles = [
        { x0: 0, y0: 0, x1: x, y1: y },
        { x0: x, y0: 0, x1: width, y1: y },
        { x0: 0, y0: y, x1: x, y1: height },
        { x0: x, y0: y, x1: width, y1: height },
      ];
      const times = new Map<number, number>();
      for (const tile of tiles) {
        for (const { label, counts } of countObjects(labels, tile)) {
          times.set(label, (times.get(label) ?? 0) + (counts ? 1 : 0));
        }
      }
      expect([...times.values()].every((each) => each === 1)).toBe(true);
    });
  });

  it("gives a centre on the border to the later tile", () => {
    const labels = drawing("11 11");
    const counts = (x0: number, x1: number) => countObjects(labels, { x0, y0: 0, x1, y1: 2 })[0]?.counts;
    expect([counts(0, 1), counts(1, 2)]).toEqual([false, true]);
  });

  it("measures centre and area", () => {
    const [first] = countObjects(drawing("..... .333. ..3.. ....."), { x0: 0, y0: 0, x1: 5, y1: 4 });
    expect(first).toMatchObject({ label: 3, area: 4, x: 2, y: 1.25, isCut: false });
  });

  it("marks objects that the picture cuts, not those that the image ends", () => {
    const shown = { width: 10, height: 10 };
    expect(cutsOf({ x0: 3, y0: 3, x1: 7, y1: 7 }, shown)).toEqual({
      left: true,
      top: true,
      right: true,
      bottom: true,
    });
    expect(cutsOf({ x0: 0, y0: 1, x1: 7, y1: 7 }, shown)).toEqual({
      left: false,
      top: false,
      right: true,
      bottom: true,
    });
    expect(cutsOf({ x0: 0, y0: 0, x1: 10, y1: 10 }, shown)).toEqual({
      left: false,
      top: false,
      right: false,
      bottom: false,
    });
    const labels = drawing("1..2 1..2");
    const cut = countObjects(
      labels,
      { x0: 0, y0: 0, x1: 3, y1: 2 },
      { left: false, top: false, right: true, bottom: false },
    );
    expect(cut.map(({ isCut }) => isCut)).toEqual([false, true]);
  });
});

describe("sums that follow changes", () => {
  it("are those of the changed picture, whatever was painted over what", () => {
    forSeeds(60, (random) => {
      const labels = randomLabels(random);
      const { width, height, data } = labels;
      const sums = new ObjectSums(labels);
      for (let step = 0; step < 4; step++) {
        const [from, until] = [random.integer(0, data.length), random.integer(0, data.length)];
        const label = random.integer(0, 9);
        sums.apply(
          record(labels, (recorder) => {
            for (let i = Math.min(from, until); i < Math.max(from, until); i++) recorder.set(i, label);
          }),
        );
      }
      const tile = { x0: 0, y0: 0, x1: width >> 1, y1: height };
      const cuts = { left: true, top: false, right: true, bottom: true };
      expect(sums.objects(tile, cuts)).toEqual(countObjects(labels, tile, cuts));
      expect([...sums.labels()].sort()).toEqual([...new Set(data)].filter((each) => each !== 0).sort());
      expect(sums.sizeOf(3)).toBe(data.filter((each) => each === 3).length);
    });
  });

  it("find an object on each border that it touches, and on no other", () => {
    const labels = drawing("11... 1...2 ..3.. 4...5 ...55");
    const cut = (side: keyof Cuts) =>
      countObjects(
        labels,
        { x0: 0, y0: 0, x1: 5, y1: 5 },
        { left: false, top: false, right: false, bottom: false, [side]: true },
      )
        .filter(({ isCut }) => isCut)
        .map(({ label }) => label);
    expect([cut("left"), cut("top"), cut("right"), cut("bottom")]).toEqual([[1, 4], [1], [2, 5], [5]]);
  });
});
