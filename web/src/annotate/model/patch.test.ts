import { describe, expect, it } from "vitest";
import { decodePatch, encodePatch } from "./encode";
import { makeLabels } from "./labels";
import { apply, boxOfPatch, invert, labelsOf, PatchError, Recorder, record, sizeOf } from "./patch";
import { forSeeds, type Random, randomLabels } from "./testing";

function randomWrites(recorder: Recorder, random: Random): void {
  const { length } = recorder.labels.data;
  for (let n = random.integer(0, 80); n > 0; n--) {
    const [start, label] = [random.integer(0, length - 1), random.integer(0, 300) * random.integer(0, 900)];
    for (let i = start; i < Math.min(length, start + random.integer(1, 12)); i++) recorder.set(i, label);
  }
}

describe("a patch", () => {
  it("taken back gives the labels as they were, and done again as they became", () => {
    forSeeds(200, (random) => {
      const labels = randomLabels(random);
      const before = labels.data.slice();
      const patch = record(labels, (recorder) => randomWrites(recorder, random));
      const after = labels.data.slice();
      apply(labels, invert(patch));
      expect(labels.data).toEqual(before);
      apply(labels, patch);
      expect(labels.data).toEqual(after);
      expect(invert(invert(patch))).toEqual(patch);
    });
  });

  it("holds exactly the pixels that differ", () => {
    forSeeds(100, (random) => {
      const labels = randomLabels(random);
      const before = labels.data.slice();
      const patch = record(labels, (recorder) => randomWrites(recorder, random));
      const differing = labels.data.filter((label, i) => label !== before[i]).length;
      expect(sizeOf(patch)).toBe(differing);
      const box = boxOfPatch(patch, labels.width);
      labels.data.forEach((label, i) => {
        const [x, y] = [i % labels.width, Math.floor(i / labels.width)];
        const inside = x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1;
        if (label !== before[i]) expect(inside).toBe(true);
      });
    });
  });

  it("survives being written as text", () => {
    forSeeds(200, (random) => {
      const labels = randomLabels(random);
      const patch = record(labels, (recorder) => randomWrites(recorder, random));
      expect(decodePatch(encodePatch(patch))).toEqual(patch);
    });
    const extreme = Int32Array.from([0, 1, 0, 2147483647, 2147483640, 7, 2147483647, 0]);
    expect(decodePatch(encodePatch(extreme))).toEqual(extreme);
  });

  it("names the labels that changed, without background", () => {
    const labels = makeLabels(4, 1, Int32Array.from([0, 5, 5, 7]));
    const patch = record(labels, (recorder) => {
      recorder.set(0, 9);
      recorder.set(1, 0);
    });
    expect([...labelsOf(patch)].sort()).toEqual([5, 9]);
  });

  it("forgets a pixel that got its old label back", () => {
    const labels = makeLabels(2, 1, Int32Array.from([3, 0]));
    const patch = record(labels, (recorder) => {
      recorder.set(0, 4);
      recorder.set(0, 3);
    });
    expect(patch).toHaveLength(0);
  });

  it("is small for a large uniform change", () => {
    const labels = makeLabels(512, 512);
    const patch = record(labels, (recorder) => {
      for (let i = 0; i < labels.data.length; i++) recorder.set(i, 1);
    });
    expect(encodePatch(patch).length).toBeLessThan(20);
  });
});

describe("a recorder", () => {
  it("can be used for one stroke after another", () => {
    forSeeds(50, (random) => {
      const labels = randomLabels(random);
      const recorder = new Recorder(labels);
      const before = labels.data.slice();
      const patches = [1, 2, 3].map(() => {
        randomWrites(recorder, random);
        return recorder.take();
      });
      for (const patch of patches.toReversed()) apply(labels, invert(patch));
      expect(labels.data).toEqual(before);
    });
  });
});

describe("a patch that does not fit", () => {
  it("changes nothing and says which pixel", () => {
    const labels = makeLabels(3, 1, Int32Array.from([1, 2, 3]));
    const patch = Int32Array.from([0, 1, 1, 9, 2, 1, 4, 9]);
    expect(() => apply(labels, patch)).toThrow(
      new PatchError("pixel 2 has label 3, but the change was made to label 4"),
    );
    expect([...labels.data]).toEqual([1, 2, 3]);
  });

  it("is refused outside the image", () => {
    expect(() => apply(makeLabels(2, 1), Int32Array.from([1, 2, 0, 1]))).toThrow(
      "the change reaches pixel 3 of an image of 2",
    );
  });

  it.each([
    ["no base64", "§", "not base64"],
    ["cut inside a number", btoa("\x80"), "cut off"],
    ["cut inside a run", btoa("\x01\x01"), "cut off"],
    ["a number too long", btoa("\x80\x80\x80\x80\x80\x80\x01"), "too long"],
  ])("is refused when its text is damaged: %s", (_, text, message) => {
    expect(() => decodePatch(text)).toThrow(message);
  });
});
