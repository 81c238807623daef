import { TrustChip } from "../../ui/TrustChip";
import type { TileSource } from "../data/source";
import { scaleBar } from "../render/scale";
import type { Pane } from "../render/views";
import { type ViewerState, viewOf, visiblePanes } from "../state/viewerState";
import { words } from "../strings";
import type { ViewerImage, ViewerLabels } from "../types";

interface Props {
  readonly image: ViewerImage;
  readonly labels: readonly ViewerLabels[];
  readonly source: TileSource;
  readonly state: ViewerState;
  readonly panes: readonly Pane[];
  readonly onState: (state: ViewerState) => void;
}

/** What lies over the picture: titles of the panes, how far they can be trusted, scale bar, swipe handle. */
export function PaneOverlays({ labels, source, state, panes, onState }: Props) {
  const spacing = source.pyramid.info.spacing?.x ?? null;
  return (
    <>
      {visiblePanes(state).map((id, i) => {
        const pane = panes[i];
        if (!pane || pane.width < 40) return null;
        const found = labels.find((each) => each.id === id);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: panes have no identity but their place
          <div key={i} className="viewer-pane" style={{ left: pane.x, width: pane.width }}>
            {(panes.length > 1 || found) && (
              <span className="title">
                {found?.name ?? words.imageOnly}
                {found && <TrustChip evidence={found.evidence} />}
              </span>
            )}
          </div>
        );
      })}
      <Bar zoom={viewOf(state, 0).zoom} spacing={spacing} />
      {state.arrangement === "swipe" && (
        <input
          type="range"
          className="viewer-swipe"
          aria-label={words.swipeHandle}
          min={0.02}
          max={0.98}
          step={0.005}
          value={state.divide}
          onChange={(event) => onState({ ...state, divide: Number(event.target.value) })}
        />
      )}
      {state.arrangement === "swipe" && (
        <div className="viewer-divide" style={{ left: panes[1]?.x ?? 0 }} aria-hidden="true" />
      )}
    </>
  );
}

function Bar({ zoom, spacing }: { zoom: number; spacing: number | null }) {
  const bar = scaleBar(2 ** zoom, spacing);
  return (
    <div className="viewer-bar">
      <span>{bar.text}</span>
      <i style={{ width: bar.length }} />
    </div>
  );
}
