import { describe, expect, it } from "vitest";
import type { Pyramid } from "../data/pyramid";
import {
  arrange,
  hasObjects,
  initialState,
  keptOf,
  showInPane,
  viewOf,
  visiblePanes,
  withKept,
  withView,
} from "./viewerState";

const pyramid = {
  nChannels: 2,
  nPlanes: 9,
  nTimes: 1,
  dtype: "uint8",
  info: { channels: [] },
} as unknown as Pyramid;
const view = { x: 1, y: 2, zoom: 0 };
const other = { x: 9, y: 9, zoom: 3 };
const start = (...shown: string[]) => initialState(pyramid, shown, view);

describe("the viewer's state", () => {
  it("starts in the middle of a stack, with the labels asked for", () => {
    expect(start().z).toBe(4);
    expect(visiblePanes(start())).toEqual([null]);
    expect(start("a", "b").arrangement).toBe("side-by-side");
    expect(start("a", "b", "c", "d", "e").shown).toHaveLength(4);
  });

  it("starts where objects were found in a stack, projected as they were found", () => {
    const at = (z: number | "max" | "mean" | null, t: number | null) =>
      initialState({ ...pyramid, nTimes: 5 }, [], view, { z, t });
    expect(at(7, 3)).toMatchObject({ z: 7, t: 3, projection: "none" });
    expect(at("mean", null)).toMatchObject({ z: 4, t: 0, projection: "mean" });
    const deep = { ...pyramid, nPlanes: 500 };
    expect(initialState(deep, [], view, { z: "max", t: null }).projection).toBe("none");
  });

  it.each([
    [undefined, 0, 0, "none", true],
    [{ z: 3, t: null }, 3, 0, "none", true],
    [{ z: 3, t: null }, 4, 0, "none", false],
    [{ z: 3, t: null }, 4, 0, "max", true],
    [{ z: "max", t: 2 }, 7, 2, "none", true],
    [{ z: "max", t: 2 }, 7, 1, "max", false],
    [{ z: null, t: 0 }, 4, 0, "none", true],
    [{ z: null, t: 0 }, 4, 1, "none", false],
  ] as const)("shows objects of %o at z %d, t %d, projection %s: %s", (at, z, t, projection, shown) => {
    expect(hasObjects(at, { z, t, projection })).toBe(shown);
  });

  it("moves panes together, or each by itself", () => {
    const linked = withView(start("a", "b"), 1, other);
    expect([viewOf(linked, 0), viewOf(linked, 1)]).toEqual([other, other]);
    const apart = withView({ ...start("a", "b"), linked: false }, 1, other);
    expect([viewOf(apart, 0), viewOf(apart, 1)]).toEqual([view, other]);
  });

  it("always moves the two sides of a swipe together", () => {
    const swipe = withView({ ...arrange(start("a", "b"), "swipe", []), linked: false }, 1, other);
    expect(viewOf({ ...swipe, linked: true }, 0)).toEqual(other);
    expect(swipe.views).toHaveLength(1);
  });

  it("gets a second pane with what is not shown yet", () => {
    expect(arrange(start("a"), "side-by-side", ["a", "b"]).shown).toEqual(["a", "b"]);
    expect(arrange(start("a"), "swipe", ["a"]).shown).toEqual(["a", null]);
    expect(visiblePanes(arrange(start("a", "b"), "single", []))).toEqual(["a"]);
    expect(showInPane(start("a"), 2, "c").shown).toEqual(["a", null, "c"]);
  });

  it("keeps how things look for the next image, but not its limits, and not for other channels", () => {
    const before = start();
    const channels = before.channels.map((each) => ({ ...each, color: "magma", gamma: 0.5, high: 7 }));
    const kept = keptOf({ ...before, channels, look: { ...before.look, opacity: 0.9, selectedOnly: true } });
    const next = withKept(start(), JSON.parse(JSON.stringify(kept)));
    expect(next.channels[0]).toMatchObject({ color: "magma", gamma: 0.5, high: 255 });
    expect(next.look).toMatchObject({ opacity: 0.9, selectedOnly: false });
    const three = initialState({ ...pyramid, nChannels: 3 }, [], view);
    expect(withKept(three, kept).channels).toEqual(three.channels);
    expect(withKept(start(), null)).toEqual(start());
  });
});
