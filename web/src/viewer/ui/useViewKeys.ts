import type { KeyboardEvent } from "react";
import type { Pyramid } from "../data/pyramid";
import { confine, fitBox } from "../render/views";
import { type ViewerState, viewOf } from "../state/viewerState";

const STEP = 60;

/** Keys of the picture: arrows, + and −, 0 and 1, page up and down through planes, comma and full stop through time. */
export function useViewKeys(
  state: ViewerState,
  setState: (change: (state: ViewerState) => ViewerState) => void,
  pyramid: Pyramid,
  size: { width: number; height: number },
): (event: KeyboardEvent) => void {
  const view = viewOf(state, 0);
  const step = STEP / 2 ** view.zoom;
  const whole = { x0: 0, y0: 0, x1: pyramid.width, y1: pyramid.height };
  const go = (change: Partial<typeof view>) => () =>
    setState((now) => ({ ...now, views: [confine({ ...view, ...change }, pyramid)] }));
  const turn = (axis: "z" | "t", by: number, count: number) => () =>
    setState((now) => ({ ...now, [axis]: Math.min(count - 1, Math.max(0, now[axis] + by)) }));
  const actions: Record<string, () => void> = {
    ArrowLeft: go({ x: view.x - step }),
    ArrowRight: go({ x: view.x + step }),
    ArrowUp: go({ y: view.y - step }),
    ArrowDown: go({ y: view.y + step }),
    "+": go({ zoom: view.zoom + 0.5 }),
    "=": go({ zoom: view.zoom + 0.5 }),
    "-": go({ zoom: view.zoom - 0.5 }),
    "0": go(fitBox(whole, size)),
    "1": go({ zoom: 0 }),
    PageUp: turn("z", 1, pyramid.nPlanes),
    PageDown: turn("z", -1, pyramid.nPlanes),
    ",": turn("t", -1, pyramid.nTimes),
    ".": turn("t", 1, pyramid.nTimes),
  };
  return (event) => {
    const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    const action = actions[event.key];
    if (!action || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  };
}
