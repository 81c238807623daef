import { labelAt, type Point } from "../model/labels";
import { floodFill, merge, remove } from "../model/operations";
import { line } from "../model/shapes";
import type { Gesture, Modifiers, ToolHost } from "./types";

const NOTHING: Gesture = { move: () => {}, end: () => {}, cancel: () => {} };

/** Pick: chooses the object under the pointer; with shift several. */
export function pickGesture(host: ToolHost, start: Point, { shift }: Modifiers): Gesture {
  const label = labelAt(host.session.document.labels, start);
  const { selected } = host.settings();
  if (label === 0) {
    if (!shift) host.select([]);
    return NOTHING;
  }
  host.setLabel(label);
  if (!shift) host.select([label]);
  else
    host.select(selected.has(label) ? [...selected].filter((each) => each !== label) : [...selected, label]);
  return NOTHING;
}

/** Fill: the connected area under the pointer goes to the current object, or a new one. */
export function fillGesture(host: ToolHost, start: Point, { alt }: Modifiers): Gesture {
  const { document } = host.session;
  const label = alt ? 0 : (host.settings().label ?? document.freshLabel());
  if (label !== 0) host.setLabel(label);
  host.session.commit("fill", floodFill(document.labels, start, label));
  return NOTHING;
}

/** Merge: all objects from press to release become one; or click one after the other. */
export function mergeGesture(host: ToolHost, start: Point): Gesture {
  const { document } = host.session;
  return sweep(host, start, (labels, isClick) => {
    const before = [...host.settings().selected];
    const chosen = isClick && before.length === 1 ? [...before, ...labels] : labels;
    if (new Set(chosen).size < 2) {
      host.select(labels);
      return;
    }
    host.session.commit("merge", merge(document.labels, chosen));
    host.select([]);
  });
}

/** Delete: every object from press to release goes. */
export function deleteGesture(host: ToolHost, start: Point): Gesture {
  return sweep(host, start, (labels) => {
    host.session.commit("delete", remove(host.session.document.labels, labels));
    host.select([]);
  });
}

/** Collects the objects along the way of the pointer, in order. */
function sweep(host: ToolHost, start: Point, done: (labels: number[], isClick: boolean) => void): Gesture {
  const { labels } = host.session.document;
  const found = new Set<number>();
  const points = [start];
  const visit = (from: Point, to: Point) =>
    line(labels, from, to, (place) => {
      const label = labels.data[place] as number;
      if (label !== 0) found.add(label);
    });
  visit(start, start);
  return {
    move(at) {
      visit(points.at(-1) as Point, at);
      points.push(at);
      host.preview(points, false);
    },
    end() {
      host.preview(null, false);
      done(
        [...found],
        points.every(({ x, y }) => Math.hypot(x - start.x, y - start.y) < 2),
      );
    },
    cancel: () => host.preview(null, false),
  };
}
