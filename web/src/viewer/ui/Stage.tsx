import { type DeckProps, OrthographicView, type OrthographicViewState } from "@deck.gl/core";
import DeckGL, { type DeckGLRef } from "@deck.gl/react";
import { type Ref, useEffect, useMemo } from "react";
import type { TileSource } from "../data/source";
import { displayUniforms } from "../render/displayUniforms";
import { imageLayer } from "../render/imageLayer";
import { ColumnTable } from "../render/labelLayer";
import type { ColumnColors } from "../render/labelStyle";
import { labelTiles } from "../render/labelTiles";
import { confine, type Pane, type View, viewFromPane, viewOfPane } from "../render/views";
import { type ViewerState, viewOf, visiblePanes } from "../state/viewerState";
import type { SelectedObject } from "../types";

interface Props {
  readonly deck: Ref<DeckGLRef>;
  readonly source: TileSource;
  readonly labels: ReadonlyMap<string, TileSource>;
  readonly state: ViewerState;
  readonly panes: readonly Pane[];
  readonly height: number;
  readonly columns: ReadonlyMap<string, ColumnColors>;
  readonly selected: SelectedObject | null;
  readonly onView: (pane: number, view: View) => void;
  readonly onError: (error: unknown) => void;
}

/** The picture itself: one canvas, one part of it for each pane. */
export function Stage(props: Props) {
  const { deck, source, state, panes, height, onView } = props;
  const layers = useLayers(props);
  const views = panes.map(
    ({ x, width }, i) =>
      new OrthographicView({ id: paneId(i), x, y: 0, width, height, controller: CONTROLLER }),
  );
  const viewState: Record<string, OrthographicViewState> = Object.fromEntries(
    panes.map((pane, i): [string, OrthographicViewState] => {
      const { x, y, zoom } = viewOfPane(viewOf(state, i), pane);
      return [paneId(i), { target: [x, y, 0], zoom }];
    }),
  );
  const onViewStateChange: DeckProps["onViewStateChange"] = ({ viewId, viewState: next }) => {
    const i = panes.findIndex((_, each) => paneId(each) === viewId);
    const pane = panes[i];
    if (!pane) return;
    const { target, zoom } = next as unknown as { target: number[]; zoom: number };
    const view = viewFromPane({ x: target[0] as number, y: target[1] as number, zoom }, pane);
    onView(i, confine(view, source.pyramid));
  };
  return (
    <DeckGL
      ref={deck}
      views={views}
      viewState={viewState}
      onViewStateChange={onViewStateChange}
      layers={layers}
      layerFilter={({ layer, viewport }) => layer.id.startsWith(`${viewport.id} `)}
      getCursor={({ isDragging }) => (isDragging ? "grabbing" : "crosshair")}
      onError={(error) => props.onError(error)}
    />
  );
}

const CONTROLLER = {
  scrollZoom: { speed: 0.012, smooth: false },
  doubleClickZoom: false,
  keyboard: false,
} as const;

function paneId(i: number): string {
  return `pane${i}`;
}

function useLayers({ source, labels, state, panes, columns, selected, onError }: Props) {
  const { channels, z, t, projection, look } = state;
  const shown = useMemo(() => channels.filter(({ visible }) => visible), [channels]);
  const display = useMemo(() => displayUniforms(shown), [shown]);
  const place = { z, t };
  const noColumn = useMemo(() => new ColumnTable(null), []);
  const columnTables = useMemo(
    () => new Map([...columns].map(([id, colors]) => [id, new ColumnTable(colors)])),
    [columns],
  );
  useEffect(
    () => () => {
      for (const table of columnTables.values()) table.destroy();
    },
    [columnTables],
  );
  return visiblePanes(state).flatMap((id, i) => {
    if (!panes[i]) return [];
    const image = imageLayer({
      id: `${paneId(i)} image`,
      source,
      channels: shown,
      display,
      place,
      projection,
      onError,
    });
    const labelSource = id === null ? undefined : labels.get(id);
    if (id === null || !labelSource) return [image];
    const objects = labelTiles({
      id: `${paneId(i)} labels ${id}`,
      source: labelSource,
      look,
      selectedLabel: selected?.candidate === id ? selected.label : 0,
      table: columnTables.get(id) ?? noColumn,
      place,
      projection,
      zoom: viewOf(state, i).zoom,
      onError,
    });
    return [image, objects];
  });
}
