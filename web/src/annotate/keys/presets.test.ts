import { describe, expect, it } from "vitest";
import { words } from "../strings";
import { TOOLS } from "../tools/types";
import type { Action } from "./actions";
import { actionOf, keyMap, keyName, PRESETS } from "./presets";

const press = (key: string, ...held: ("ctrlKey" | "metaKey" | "shiftKey" | "altKey")[]) =>
  keyName({
    key,
    ctrlKey: held.includes("ctrlKey"),
    metaKey: held.includes("metaKey"),
    shiftKey: held.includes("shiftKey"),
    altKey: held.includes("altKey"),
  });

describe.each(PRESETS)("the keys of %s", (preset) => {
  const keys = keyMap(preset);

  it("reach every action and every tool", () => {
    for (const action of Object.keys(words.actions) as Action[])
      expect(keys.get(action)?.length).toBeGreaterThan(0);
    for (const tool of TOOLS) expect(keys.has(`tool ${tool}`)).toBe(true);
  });

  it("never mean two things", () => {
    const all = [...keys.values()].flat();
    expect(all.filter((key, i) => all.indexOf(key) !== i)).toEqual([]);
  });
});

describe("keys as in the other programs", () => {
  it.each([
    ["QuPath", "b", "tool brush"],
    ["QuPath", "w", "tool click-segment"],
    ["QuPath", "g", "tool model"],
    ["Cellpose", "t", "tool model"],
    ["QuPath", "m", "tool pan"],
    ["napari", "1", "tool erase"],
    ["napari", "2", "tool brush"],
    ["napari", "m", "new label"],
    ["Cellpose", "x", "toggle objects"],
    ["Cellpose", "z", "toggle outlines"],
    ["Cellpose", ",", "smaller"],
  ] as const)("%s: %s is %s", (preset, key, action) => {
    expect(actionOf(keyMap(preset), press(key))).toBe(action);
  });

  it("have names as people write them, also with Cmd and for signs", () => {
    expect(press("z", "ctrlKey")).toBe("Ctrl+Z");
    expect(press("Z", "metaKey", "shiftKey")).toBe("Ctrl+Shift+Z");
    expect(press("?", "shiftKey")).toBe("?");
    expect(press("Tab", "shiftKey")).toBe("Shift+Tab");
    expect(actionOf(keyMap("QuPath"), "Ctrl+Q")).toBeNull();
  });
});
