import { type Box, isEmpty, type Labels, type Point } from "../model/labels";
import type { Gesture, Modifiers, ToolHost } from "./types";

/** Screen pixels that the pointer may move within a click. */
const CLICK = 5;

/** A click points at an object, with shift or alt at what is not it; dragging puts a box around it. */
export function modelGesture(
  host: ToolHost,
  start: Point,
  { shift, alt }: Modifiers,
  scale: number,
): Gesture {
  const { labels } = host.session.document;
  let drags = false;
  const follow = (to: Point) => {
    drags ||= Math.hypot(to.x - start.x, to.y - start.y) * scale >= CLICK;
  };
  return {
    move(to) {
      follow(to);
      if (drags) host.preview(corners(start, to), true);
    },
    end(to) {
      follow(to);
      host.preview(null, true);
      const box = boxBetween(labels, start, to);
      if (drags && !isEmpty(box)) host.prompt({ box });
      else if (!drags && isInside(labels, start)) host.prompt({ at: start, inside: !shift && !alt });
    },
    cancel: () => host.preview(null, true),
  };
}

function corners(a: Point, b: Point): Point[] {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}

/** The part of a rectangle that lies in the tile; points count from pixel centres, boxes from their edges. */
function boxBetween({ width, height }: Labels, a: Point, b: Point): Box {
  const within = (value: number, most: number) => Math.min(most, Math.max(0, value + 0.5));
  return {
    x0: within(Math.min(a.x, b.x), width),
    y0: within(Math.min(a.y, b.y), height),
    x1: within(Math.max(a.x, b.x), width),
    y1: within(Math.max(a.y, b.y), height),
  };
}

function isInside({ width, height }: Labels, { x, y }: Point): boolean {
  return x >= -0.5 && y >= -0.5 && x <= width - 0.5 && y <= height - 0.5;
}
