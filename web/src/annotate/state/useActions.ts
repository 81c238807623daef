import { useEffect, useRef } from "react";
import { fitCamera, type Size, zoomAt } from "../canvas/camera";
import type { Action } from "../keys/actions";
import { actionOf, type KeyMap, keyName } from "../keys/presets";
import { boxOf } from "../model/labels";
import { fillHoles, merge, remove } from "../model/operations";
import { words } from "../strings";
import type { ToolName } from "../tools/types";
import { resizeBrush } from "./preferences";
import type { Editor } from "./useEditor";

/** What the screen around the editor does. */
export interface Outer {
  readonly screen: Size;
  save(): void;
  done(): void;
  help(): void;
}

/** Does what a key or a button asks for. */
export function perform(action: Action, editor: Editor, outer: Outer): void {
  if (action.startsWith("tool ")) {
    editor.setTool(action.slice(5) as ToolName);
    return;
  }
  ACTIONS[action as keyof typeof ACTIONS]?.(editor, outer);
}

type Other = Exclude<Action, `tool ${ToolName}`>;

const ACTIONS: Record<Other, (editor: Editor, outer: Outer) => void> = {
  undo: ({ session, prompting }) => (prompting.isOpen ? prompting.stepBack() : session.undo()),
  redo: ({ session }) => session.redo(),
  "delete selected": ({ session, selected, select }) => {
    session.commit("delete", remove(session.document.labels, selected));
    select([]);
  },
  "merge selected": ({ session, selected, select }) => {
    session.commit("merge", merge(session.document.labels, [...selected]));
    select([]);
  },
  "fill holes": ({ session, selected }) => {
    for (const label of selected) session.commit("fill-holes", fillHoles(session.document.labels, label));
  },
  "new label": ({ setLabel, select, session }) => {
    setLabel(session.document.freshLabel());
    select([]);
  },
  bigger: ({ preferences, setPreferences }) => setPreferences(resizeBrush(preferences, 1.25)),
  smaller: ({ preferences, setPreferences }) => setPreferences(resizeBrush(preferences, 0.8)),
  accept: (editor, outer) => decide(editor, outer, "accept"),
  reject: (editor, outer) => decide(editor, outer, "reject"),
  "next proposal": goToNext,
  "toggle objects": ({ preferences, setPreferences }) =>
    setPreferences({ ...preferences, look: { ...preferences.look, isVisible: !preferences.look.isVisible } }),
  "toggle outlines": ({ preferences, setPreferences }) => {
    const { look } = preferences;
    setPreferences({ ...preferences, look: { ...look, outline: look.outline === 0 ? 1.6 : 0 } });
  },
  "toggle overwrite": ({ preferences, setPreferences }) =>
    setPreferences({ ...preferences, protects: !preferences.protects }),
  shuffle: ({ preferences, setPreferences }) =>
    setPreferences({ ...preferences, look: { ...preferences.look, seed: preferences.look.seed + 1 } }),
  "zoom in": (editor, outer) => zoom(editor, outer, 1.4),
  "zoom out": (editor, outer) => zoom(editor, outer, 1 / 1.4),
  "fit tile": ({ setCamera, tile }, { screen }) => setCamera(fitCamera(tile, screen, 40)),
  save: (_, outer) => outer.save(),
  done: (_, outer) => outer.done(),
  help: (_, outer) => outer.help(),
  cancel: ({ runner, prompting, select }) => {
    runner.cancel();
    if (prompting.isOpen) prompting.cancel();
    else select([]);
  },
  close: (editor) => {
    if (editor.prompting.isOpen) void takeOutline(editor);
    else editor.runner.finish({ shift: false, alt: false, ctrl: false });
  },
};

/** Makes the model's outline an object; says so where nothing of it could be taken. */
export async function takeOutline({ prompting, setLabel, setMessage }: Editor): Promise<void> {
  const label = await prompting.accept();
  if (label !== null) {
    setLabel(label);
    setMessage(null);
  } else if (prompting.getState().places.length > 0) setMessage(words.model.covered);
}

/** Proposals that nobody has decided on, in order. */
export function undecided({ session }: Pick<Editor, "session">): number[] {
  const { document } = session;
  return document.objects().filter((label) => document.status.get(label) === "proposed");
}

function decide(editor: Editor, outer: Outer, verdict: "accept" | "reject"): void {
  const { session, selected } = editor;
  const open = undecided(editor).filter((label) => selected.has(label));
  if (open.length === 0) {
    goToNext(editor, outer);
    return;
  }
  if (verdict === "accept") session.setStatus("accept", open, "accepted");
  else session.commit("reject", remove(session.document.labels, open));
  goToNext(editor, outer);
}

/** Chooses the next proposal after the chosen one, and brings it into view. */
function goToNext(editor: Editor, { screen }: Outer): void {
  const { session, selected, select, camera, setCamera } = editor;
  const open = undecided(editor);
  const from = Math.max(0, ...selected);
  const next = open.find((label) => label > from) ?? open[0];
  select(next === undefined ? [] : [next]);
  if (next === undefined) return;
  const box = boxOf(session.document.labels, next);
  const at = { x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2 };
  const [x, y] = [at.x * camera.scale + camera.x, at.y * camera.scale + camera.y];
  const isInView = x > 60 && y > 60 && x < screen.width - 60 && y < screen.height - 60;
  if (isInView) return;
  setCamera({
    scale: camera.scale,
    x: screen.width / 2 - at.x * camera.scale,
    y: screen.height / 2 - at.y * camera.scale,
  });
}

function zoom({ camera, setCamera, session }: Editor, { screen }: Outer, factor: number): void {
  const middle = { x: screen.width / 2, y: screen.height / 2 };
  setCamera(zoomAt(camera, factor, middle, session.document.labels, screen));
}

/** Key presses anywhere on the page become actions; typing into fields and dialogs stay what they are. */
export function useKeys(map: KeyMap, editor: Editor, outer: Outer): void {
  const now = useRef({ map, editor, outer });
  now.current = { map, editor, outer };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const name = keyName(event);
      const action = actionOf(now.current.map, name);
      if (!action || event.defaultPrevented || keepsKey(event.target, name)) return;
      // Tab goes on through the page where there is nothing to decide.
      if (action === "next proposal" && undecided(now.current.editor).length === 0) return;
      event.preventDefault();
      perform(action, now.current.editor, now.current.outer);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

const TAKES_NO_TEXT = ["checkbox", "radio", "range", "button", "color"];

/** Whether what has the focus needs a key itself. */
function keepsKey(target: EventTarget | null, name: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog") || target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) return !TAKES_NO_TEXT.includes(target.type) || name === "Tab";
  if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return true;
  const isControl = target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement;
  return isControl && (name === "Enter" || name === "Tab");
}
