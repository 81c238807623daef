import type { DeckGLRef } from "@deck.gl/react";
import { useCallback, useMemo, useRef, useState } from "react";
import { ErrorMessage } from "../../ui/Message";
import type { TileSource } from "../data/source";
import { panes as panesOf, type View } from "../render/views";
import { useColumns } from "../state/useColumns";
import { useLabelSources } from "../state/usePyramid";
import { useSize } from "../state/useSize";
import { useViewerState } from "../state/useViewerState";
import { hasObjects, type ViewerState, viewOf, visiblePanes, withView } from "../state/viewerState";
import { words } from "../strings";
import type { ViewerProps } from "../types";
import { AxisSliders } from "./AxisSliders";
import { ExportDialog } from "./ExportDialog";
import { Making } from "./Making";
import { Overview } from "./Overview";
import { Panel } from "./Panel";
import { PaneOverlays } from "./PaneOverlays";
import { Pointer } from "./Pointer";
import { Stage } from "./Stage";
import { Toolbar } from "./Toolbar";
import { useViewKeys } from "./useViewKeys";

const NO_LABELS: ReadonlyMap<string, TileSource> = new Map();

/** The viewer of an image that could be opened, on a graphics card or its stand-in. */
export function OpenViewer(props: ViewerProps & { source: TileSource }) {
  const { image, source, labels, selected = null, onSelect } = props;
  const [frame, size] = useSize<HTMLDivElement>();
  const [error, setError] = useState<unknown>(null);
  const deck = useRef<DeckGLRef>(null);
  const [exports, setExports] = useState(false);
  const [hasPanel, setPanel] = useState(true);
  const { state, setState, ranges, stretch } = useViewerState(props, size, setError);
  const shown = visiblePanes(state);
  const needed = useMemo(() => labels.filter(({ id }) => shown.includes(id)), [labels, shown]);
  const opened = useLabelSources(needed, setError);
  const isHere = hasObjects(image.at, state);
  const sources = isHere ? opened : NO_LABELS;
  const columns = useColumns(state.column, shown, labels, props.loadColumn, setError);
  const panes = panesOf(state.arrangement, shown.length, size.width, state.divide);
  const setView = useCallback(
    (pane: number, view: View) => setState((now) => withView(now, pane, view)),
    [setState],
  );
  const update = (next: ViewerState) => setState(() => next);
  const isApart = state.arrangement === "side-by-side";
  const paneSize = { width: isApart ? (panes[0]?.width ?? 0) : size.width, height: size.height };
  const onKey = useViewKeys(state, setState, source.pyramid, size);
  return (
    <div className={`viewer${hasPanel ? "" : " no-panel"}`}>
      <div className="viewer-main">
        <Toolbar
          image={image}
          source={source}
          state={state}
          labels={labels}
          size={size}
          hasPanel={hasPanel}
          onState={update}
          onPanel={() => setPanel(!hasPanel)}
          onExport={() => setExports(true)}
        />
        <div
          ref={frame}
          className="viewer-stage"
          role="application"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the picture is moved with the arrow keys
          tabIndex={0}
          aria-label={words.viewer(image.name)}
          onKeyDown={onKey}
        >
          {size.width > 0 && (
            <Pointer
              source={source}
              labels={sources}
              state={state}
              panes={panes}
              height={size.height}
              onSelect={onSelect}
            >
              <Stage
                deck={deck}
                source={source}
                labels={sources}
                state={state}
                panes={panes}
                height={size.height}
                columns={columns.colors}
                selected={selected}
                onView={setView}
                onError={setError}
              />
            </Pointer>
          )}
          <PaneOverlays
            image={image}
            labels={labels}
            source={source}
            state={state}
            panes={panes}
            onState={update}
          />
          <Overview
            source={source}
            channels={state.channels.filter(({ visible }) => visible)}
            place={state}
            projection={state.projection}
            view={viewOf(state, 0)}
            size={paneSize}
            onGo={(x, y) => setView(0, { ...viewOf(state, 0), x, y })}
          />
        </div>
        <Making info={source.pyramid.info} />
        <AxisSliders source={source} state={state} setState={setState} note={isHere ? "" : words.elsewhere} />
        {error !== null && <ErrorMessage error={error} />}
      </div>
      {hasPanel && (
        <Panel
          source={source}
          labels={labels}
          state={state}
          ranges={ranges}
          columns={columns}
          onState={update}
          onAuto={stretch}
        />
      )}
      {exports && (
        <ExportDialog
          {...{ image, labels, source, state, panes, size, deck, columns: columns.colors }}
          onClose={() => setExports(false)}
        />
      )}
    </div>
  );
}
