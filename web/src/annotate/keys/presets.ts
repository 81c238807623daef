import type { Action } from "./actions";

export const PRESETS = ["QuPath", "napari", "Cellpose"] as const;
export type Preset = (typeof PRESETS)[number];

/** Keys of an action as people write them: "B", "Ctrl+Z", "[". */
export type KeyMap = ReadonlyMap<Action, readonly string[]>;

type Table = Partial<Record<Action, string>>;

/** The same in every preset. Several keys are separated by spaces. */
const SHARED: Table = {
  undo: "Ctrl+Z",
  redo: "Ctrl+Shift+Z Ctrl+Y",
  "delete selected": "Delete Backspace",
  bigger: "]",
  smaller: "[",
  accept: "A",
  reject: "R",
  "next proposal": "Tab",
  "zoom in": "+ =",
  "zoom out": "-",
  "fit tile": "0",
  save: "Ctrl+S",
  done: "Ctrl+Enter",
  help: "?",
  cancel: "Escape",
  close: "Enter",
};

/** What each program uses for the same thing; where it has none, a letter that is free there. */
const OWN: Record<Preset, Table> = {
  QuPath: {
    "tool pan": "M",
    "tool pick": "S",
    "tool brush": "B",
    "tool erase": "E",
    "tool polygon": "P",
    "tool lasso": "L",
    "tool fill": "F",
    "tool click-segment": "W",
    "tool model": "G",
    "tool split": "K",
    "tool merge": "J",
    "tool delete": "X",
    "new label": "N",
    "merge selected": "Ctrl+M",
    "fill holes": "Shift+F",
    "toggle objects": "H",
    "toggle outlines": "O",
    "toggle overwrite": "V",
    shuffle: "C",
  },
  napari: {
    "tool erase": "1 E",
    "tool brush": "2 P",
    "tool polygon": "3",
    "tool fill": "4 F",
    "tool pick": "5 L",
    "tool pan": "6 Z",
    "tool lasso": "7",
    "tool click-segment": "8",
    "tool model": "G",
    "tool split": "9 K",
    "tool merge": "J",
    "tool delete": "X",
    "new label": "M",
    "merge selected": "Ctrl+M",
    "fill holes": "Shift+F",
    "toggle objects": "V",
    "toggle outlines": "O",
    "toggle overwrite": "B",
    shuffle: "C",
  },
  Cellpose: {
    "tool pan": "M",
    "tool pick": "S",
    "tool lasso": "D",
    "tool brush": "B",
    "tool erase": "E",
    "tool polygon": "P",
    "tool fill": "F",
    "tool click-segment": "W",
    "tool model": "T",
    "tool split": "K",
    "tool merge": "J",
    "tool delete": "G",
    "new label": "N",
    "merge selected": "Alt+M",
    "fill holes": "Shift+F",
    "toggle objects": "X",
    "toggle outlines": "Z",
    "toggle overwrite": "V",
    bigger: ". ]",
    smaller: ", [",
    shuffle: "C",
  },
};

export function keyMap(preset: Preset): KeyMap {
  const table: Table = { ...SHARED, ...OWN[preset] };
  return new Map(
    (Object.entries(table) as [Action, string][]).map(([action, keys]) => [action, keys.split(" ")]),
  );
}

/** What a key press is called in the tables: "Ctrl+Shift+Z". Cmd on a Mac counts as Ctrl. */
export function keyName(event: {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}): string {
  const isLetter = event.key.length === 1 && event.key.toUpperCase() !== event.key.toLowerCase();
  const key = isLetter ? event.key.toUpperCase() : event.key;
  const parts = [
    event.ctrlKey || event.metaKey ? "Ctrl" : "",
    // Signs such as "?" and "+" already say that shift was held.
    event.shiftKey && (isLetter || key.length > 1) ? "Shift" : "",
    event.altKey ? "Alt" : "",
    key,
  ];
  return parts.filter((part) => part !== "").join("+");
}

/** The action of a key, or null. */
export function actionOf(map: KeyMap, name: string): Action | null {
  for (const [action, keys] of map) if (keys.includes(name)) return action;
  return null;
}
