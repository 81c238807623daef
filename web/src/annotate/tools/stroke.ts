import { labelAt, type Point } from "../model/labels";
import { type Dab, paint } from "../model/operations";
import { strokeBox } from "../model/shapes";
import type { Gesture, Modifiers, ToolHost } from "./types";

/** Longest part of a stroke that a crash could lose. */
const KEEP_MS = 700;

/** Brush and eraser: paints while the pointer moves, and journals long strokes piece by piece. */
export function strokeGesture(host: ToolHost, start: Point, modifiers: Modifiers, erases: boolean): Gesture {
  const { session } = host;
  const { labels } = session.document;
  const label = erases || modifiers.alt ? 0 : strokeLabel(host, start, modifiers);
  const operation = label === 0 ? "erase" : "brush";
  let last = start;
  let continues = false;
  let kept = performance.now();
  const dab = (to: Point) => {
    const { radius, overwrite } = host.settings();
    const next: Dab = { from: last, to, radius, label, overwrite };
    paint(session.recorder, next);
    session.painted(strokeBox(labels, last, to, radius));
    last = to;
  };
  const keep = () => {
    if (session.commitStroke(operation, continues)) continues = true;
    kept = performance.now();
  };
  dab(start);
  return {
    move(at) {
      dab(at);
      if (performance.now() - kept > KEEP_MS) keep();
    },
    end(at) {
      dab(at);
      keep();
    },
    cancel: keep,
  };
}

function strokeLabel(host: ToolHost, start: Point, { shift }: Modifiers): number {
  const { autoLabel, label } = host.settings();
  const under = labelAt(host.session.document.labels, start);
  const chosen =
    autoLabel && !shift
      ? under || host.session.document.freshLabel()
      : (label ?? host.session.document.freshLabel());
  host.setLabel(chosen);
  return chosen;
}
