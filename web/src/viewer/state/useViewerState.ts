import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { TileSource } from "../data/source";
import { fitBox } from "../render/views";
import type { ViewerProps } from "../types";
import { readKept, writeKept } from "./keep";
import { type Ranges, useLimits } from "./useLimits";
import { initialState, keptOf, type ViewerState, visiblePanes, withKept } from "./viewerState";

interface Result {
  readonly state: ViewerState;
  readonly setState: (change: (state: ViewerState) => ViewerState) => void;
  readonly ranges: Ranges;
  readonly stretch: (index: number) => void;
}

/** State of the viewer of one image: starts showing all of it, looks like the image before. */
export function useViewerState(
  { source, image, shown = [], focus, keep }: ViewerProps & { source: TileSource },
  size: { width: number; height: number },
  onError: (error: unknown) => void,
): Result {
  const { pyramid } = source;
  const [state, setWhole] = useState<ViewerState>(() => {
    const middle = { x: pyramid.width / 2, y: pyramid.height / 2, zoom: 0 };
    const start = initialState(pyramid, shown, middle, image.at);
    return withKept(start, readKept(keep));
  });
  const setState = useCallback((change: (state: ViewerState) => ViewerState) => setWhole(change), []);
  const [ranges, stretch] = useLimits(source, state, setState, onError);
  useFocus(source, state, size, focus ?? null, setState);
  const { look, locked, projection, channels } = state;
  useEffect(
    () => writeKept(keep, keptOf({ look, locked, projection, channels })),
    [keep, look, locked, projection, channels],
  );
  return { state, setState, ranges, stretch };
}

/** Shows the whole image once its size on screen is known, and every new box that is asked for. */
function useFocus(
  { pyramid }: TileSource,
  state: ViewerState,
  size: { width: number; height: number },
  focus: ViewerProps["focus"] | null,
  setState: Result["setState"],
): void {
  const done = useRef<unknown>(undefined);
  const panes = state.arrangement === "side-by-side" ? visiblePanes(state).length : 1;
  // Before anything is drawn, else the middle of a large image is asked for at its full resolution first.
  useLayoutEffect(() => {
    if (size.width === 0 || done.current === (focus ?? null)) return;
    done.current = focus ?? null;
    const whole = { x0: 0, y0: 0, x1: pyramid.width, y1: pyramid.height };
    const view = fitBox(
      focus ?? whole,
      { width: size.width / panes, height: size.height },
      focus ? 0.2 : 0.04,
    );
    setState((now) => ({ ...now, views: [view] }));
  }, [focus, size, panes, pyramid, setState]);
}
