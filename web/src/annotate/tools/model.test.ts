import { describe, expect, it } from "vitest";
import { makeLabels, type Point } from "../model/labels";
import { modelGesture } from "./model";
import type { Modifiers, PromptGesture, ToolHost } from "./types";

const NONE: Modifiers = { shift: false, alt: false, ctrl: false };

/** What a press, moves and a release come to, on a tile of 20 × 10 pixels. */
function gesture(points: readonly Point[], held: Partial<Modifiers> = {}, scale = 4) {
  const prompts: PromptGesture[] = [];
  const previews: (readonly Point[] | null)[] = [];
  const host = {
    session: { document: { labels: makeLabels(20, 10) } },
    preview: (shown: readonly Point[] | null) => previews.push(shown),
    prompt: (each: PromptGesture) => prompts.push(each),
  } as unknown as ToolHost;
  const going = modelGesture(host, points[0] as Point, { ...NONE, ...held }, scale);
  for (const point of points.slice(1)) going.move(point);
  going.end(points.at(-1) as Point);
  return { prompts, previews };
}

describe("pointing at an object", () => {
  it("is a click inside, and with shift or alt outside", () => {
    expect(gesture([{ x: 3, y: 4 }]).prompts).toEqual([{ at: { x: 3, y: 4 }, inside: true }]);
    for (const held of [{ shift: true }, { alt: true }])
      expect(gesture([{ x: 3, y: 4 }], held).prompts).toEqual([{ at: { x: 3, y: 4 }, inside: false }]);
  });

  it("is a click also of a hand that is not quite still, and a box at the same distance closer up", () => {
    const points = [
      { x: 3, y: 4 },
      { x: 4, y: 4 },
    ];
    expect(gesture(points).prompts).toEqual([{ at: { x: 3, y: 4 }, inside: true }]);
    expect(gesture(points, {}, 6).prompts).toEqual([]); // a box without height
    const back = [...points, { x: 3, y: 4 }];
    expect(gesture(back, {}, 6).prompts).toEqual([]); // what was dragged is no click any more
  });

  it("is a box from edge to edge, in any direction, cut to the tile", () => {
    const box = { x0: 2.5, y0: 1.5, x1: 8.5, y1: 6.5 };
    const [a, b] = [
      { x: 2, y: 1 },
      { x: 8, y: 6 },
    ];
    expect(gesture([a, b]).prompts).toEqual([{ box }]);
    expect(gesture([b, a]).prompts).toEqual([{ box }]);
    expect(
      gesture([
        { x: -9, y: -9 },
        { x: 99, y: 99 },
      ]).prompts,
    ).toEqual([{ box: { x0: 0, y0: 0, x1: 20, y1: 10 } }]);
  });

  it("beside the tile is nothing", () => {
    expect(gesture([{ x: -1, y: 4 }]).prompts).toEqual([]);
    expect(
      gesture([
        { x: 30, y: 4 },
        { x: 50, y: 9 },
      ]).prompts,
    ).toEqual([]);
  });

  it("shows the box while it is dragged, and no longer", () => {
    const { previews } = gesture([
      { x: 2, y: 1 },
      { x: 2.1, y: 1 },
      { x: 8, y: 6 },
    ]);
    expect(previews).toEqual([
      [
        { x: 2, y: 1 },
        { x: 8, y: 1 },
        { x: 8, y: 6 },
        { x: 2, y: 6 },
      ],
      null,
    ]);
  });
});
