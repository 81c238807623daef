import { type PointerEvent, type ReactNode, useRef, useState } from "react";
import { labelsOver, type TileSource } from "../data/source";
import { type Pane, toImage } from "../render/views";
import { type ViewerState, viewOf, visiblePanes } from "../state/viewerState";
import type { ViewerProps } from "../types";
import { StatusBar } from "./StatusBar";

interface Props {
  readonly source: TileSource;
  readonly labels: ReadonlyMap<string, TileSource>;
  readonly state: ViewerState;
  readonly panes: readonly Pane[];
  readonly height: number;
  readonly onSelect: ViewerProps["onSelect"];
  readonly children: ReactNode;
}

/** Where the pointer is, in pixels of the image and pane. */
export interface Under {
  readonly x: number;
  readonly y: number;
  readonly pane: number;
}

const CLICK = 4;

/** Follows the pointer: says what is under it, and selects the object that is clicked. */
export function Pointer({ source, labels, state, panes, height, onSelect, children }: Props) {
  const [under, setUnder] = useState<Under | null>(null);
  const pressed = useRef<{ x: number; y: number } | null>(null);
  const locate = (event: PointerEvent): Under | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = { x: event.clientX - box.x, y: event.clientY - box.y };
    const pane = panes.findIndex(({ x, width }) => at.x >= x && at.x < x + width);
    if (pane < 0) return null;
    const found = toImage(viewOf(state, pane), panes[pane] as Pane, height, at);
    const [x, y] = [Math.floor(found.x), Math.floor(found.y)];
    const { width, height: rows } = source.pyramid;
    return x < 0 || y < 0 || x >= width || y >= rows ? null : { x, y, pane };
  };
  const labelUnder = (where: Under | null): number => {
    const id = where && visiblePanes(state)[where.pane];
    const found = id ? labels.get(id) : undefined;
    if (!where || !found) return 0;
    const { place, projection } = labelsOver(found.pyramid, state);
    return found.valueAt(where.x, where.y, place, projection)?.value ?? 0;
  };
  return (
    <>
      <div
        className="viewer-pointer"
        onPointerMove={(event) => setUnder(locate(event))}
        onPointerLeave={() => setUnder(null)}
        onPointerDown={(event) => {
          pressed.current = { x: event.clientX, y: event.clientY };
        }}
        onPointerUp={(event) => {
          const from = pressed.current;
          pressed.current = null;
          if (!from || Math.hypot(event.clientX - from.x, event.clientY - from.y) > CLICK) return;
          const where = locate(event);
          const candidate = where && visiblePanes(state)[where.pane];
          const label = labelUnder(where);
          onSelect?.(candidate && label ? { candidate, label } : null);
        }}
      >
        {children}
      </div>
      <StatusBar source={source} state={state} under={under} label={labelUnder(under)} />
    </>
  );
}
