import { labelAt, type Point } from "../model/labels";
import { fillPolygon, split } from "../model/operations";
import { thin } from "../model/shapes";
import type { Gesture, Modifiers, ToolHost } from "./types";

const STEP = 0.5;

/** Lasso: a freehand outline, filled when the pointer is released. With alt it cuts out. */
export function lassoGesture(host: ToolHost, start: Point, modifiers: Modifiers): Gesture {
  const points = [start];
  return {
    move(at) {
      points.push(at);
      host.preview(points, true);
    },
    end() {
      host.preview(null, true);
      fillOutline(host, "lasso", thin(points, STEP), modifiers);
    },
    cancel: () => host.preview(null, true),
  };
}

/** Split: a line across objects; each that it cuts in two becomes two. */
export function splitGesture(host: ToolHost, start: Point): Gesture {
  const points = [start];
  const { document } = host.session;
  return {
    move(at) {
      points.push(at);
      host.preview(points, false);
    },
    end() {
      host.preview(null, false);
      host.session.commit(
        "split",
        split(document.labels, thin(points, STEP), () => document.freshLabel()),
      );
    },
    cancel: () => host.preview(null, false),
  };
}

/** Fills an outline with the object it starts in, or a new one. */
export function fillOutline(
  host: ToolHost,
  operation: "lasso" | "polygon",
  corners: readonly Point[],
  { alt, shift }: Modifiers,
): void {
  if (corners.length < 3) return;
  const { document } = host.session;
  const { overwrite, autoLabel, label } = host.settings();
  const under = labelAt(document.labels, corners[0] as Point);
  const chosen = alt
    ? 0
    : autoLabel && !shift
      ? under || document.freshLabel()
      : (label ?? document.freshLabel());
  if (chosen !== 0) host.setLabel(chosen);
  host.session.commit(operation, fillPolygon(document.labels, corners, chosen, overwrite));
}
