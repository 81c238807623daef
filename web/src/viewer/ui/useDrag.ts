import { type PointerEvent, useEffect, useRef, type WheelEvent } from "react";
import type { Pyramid } from "../data/pyramid";
import { confine, type View } from "../render/views";
import { type ViewerState, viewOf } from "../state/viewerState";

/** Moving and zooming with pointer and wheel, for the picture without deck.gl. */
export function useDrag(
  state: ViewerState,
  setState: (change: (state: ViewerState) => ViewerState) => void,
  pyramid: Pyramid,
  size: { width: number; height: number },
) {
  const last = useRef<{ x: number; y: number } | null>(null);
  const view = viewOf(state, 0);
  const go = (next: View) => setState((now) => ({ ...now, views: [confine(next, pyramid)] }));
  useEffect(() => {
    const stop = () => {
      last.current = null;
    };
    window.addEventListener("pointerup", stop);
    return () => window.removeEventListener("pointerup", stop);
  }, []);
  return {
    onPointerDown: (event: PointerEvent) => {
      last.current = { x: event.clientX, y: event.clientY };
    },
    onPointerMove: (event: PointerEvent) => {
      const from = last.current;
      if (!from) return;
      last.current = { x: event.clientX, y: event.clientY };
      const scale = 2 ** view.zoom;
      const [dx, dy] = [(event.clientX - from.x) / scale, (event.clientY - from.y) / scale];
      go({ ...view, x: view.x - dx, y: view.y - dy });
    },
    onWheel: (event: WheelEvent) => {
      const frame = event.currentTarget.getBoundingClientRect();
      const at = {
        x: event.clientX - frame.x - size.width / 2,
        y: event.clientY - frame.y - size.height / 2,
      };
      const zoom = confine({ ...view, zoom: view.zoom - event.deltaY * 0.002 }, pyramid).zoom;
      const [before, after] = [2 ** view.zoom, 2 ** zoom];
      go({ x: view.x + at.x / before - at.x / after, y: view.y + at.y / before - at.y / after, zoom });
    },
  };
}
