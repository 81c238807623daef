import { Icon } from "../../ui/Icon";
import type { TileSource } from "../data/source";
import { type Arrangement, fitBox, isSameView } from "../render/views";
import { arrange, type ViewerState, viewOf, visiblePanes } from "../state/viewerState";
import { words } from "../strings";
import type { ViewerImage, ViewerLabels } from "../types";

interface Props {
  readonly image: ViewerImage;
  readonly source: TileSource;
  readonly state: ViewerState;
  readonly labels: readonly ViewerLabels[];
  readonly size: { width: number; height: number };
  readonly hasPanel: boolean;
  readonly onState: (state: ViewerState) => void;
  readonly onPanel: () => void;
  readonly onExport: () => void;
}

const ARRANGEMENTS: readonly (readonly [Arrangement, string])[] = [
  ["single", words.single],
  ["side-by-side", words.sideBySide],
  ["swipe", words.swipe],
];

/** Name of the image, arrangement, zoom and figure. */
export function Toolbar(props: Props) {
  const { image, source, state, labels, size, hasPanel, onState, onPanel, onExport } = props;
  const view = viewOf(state, 0);
  const setZoom = (zoom: number) => onState({ ...state, views: [{ ...view, zoom }] });
  const { width, height } = source.pyramid;
  const whole = (of: ViewerState) =>
    fitBox(
      { x0: 0, y0: 0, x1: width, y1: height },
      { width: size.width / panesBeside(of), height: size.height },
    );
  // Who sees the whole image goes on seeing all of it, as large as there is room.
  const change = (arrangement: Arrangement) => {
    const ids = labels.map(({ id }) => id);
    const next = arrange(state, arrangement, ids);
    onState(isSameView(view, whole(state)) ? { ...next, views: [whole(next)] } : next);
  };
  return (
    <div className="viewer-toolbar" role="toolbar" aria-label={image.name}>
      <strong title={image.name}>{image.name}</strong>
      {image.caption && <span className="faint">{image.caption}</span>}
      <span className="spacer" />
      {labels.length > 0 && (
        <fieldset className="segments" aria-label={words.arrangement}>
          {ARRANGEMENTS.map(([key, name]) => (
            <button
              key={key}
              type="button"
              className="button small"
              aria-pressed={state.arrangement === key}
              onClick={() => change(key)}
            >
              {name}
            </button>
          ))}
        </fieldset>
      )}
      {state.arrangement === "side-by-side" && (
        <label className="viewer-check">
          <input
            type="checkbox"
            checked={state.linked}
            onChange={(event) => onState({ ...state, linked: event.target.checked })}
          />
          {words.linked}
        </label>
      )}
      <button
        type="button"
        className="button small"
        aria-label={words.zoomOut}
        onClick={() => setZoom(view.zoom - 1)}
      >
        −
      </button>
      <button type="button" className="button small" title={words.zoomOne} onClick={() => setZoom(0)}>
        {zoomText(view.zoom)}
      </button>
      <button
        type="button"
        className="button small"
        aria-label={words.zoomIn}
        onClick={() => setZoom(view.zoom + 1)}
      >
        +
      </button>
      <button
        type="button"
        className="button small"
        onClick={() => onState({ ...state, views: [whole(state)] })}
      >
        {words.zoomAll}
      </button>
      <button type="button" className="button small" onClick={onExport}>
        <Icon name="download" size={14} /> {words.export}
      </button>
      <button
        type="button"
        className="button small"
        aria-pressed={hasPanel}
        aria-label={hasPanel ? words.hidePanel : words.showPanel}
        title={hasPanel ? words.hidePanel : words.showPanel}
        onClick={onPanel}
      >
        <Icon name="settings" size={14} />
      </button>
    </div>
  );
}

/** Panes that share the width. */
function panesBeside(state: ViewerState): number {
  return state.arrangement === "side-by-side" ? visiblePanes(state).length : 1;
}

function zoomText(zoom: number): string {
  const percent = 100 * 2 ** zoom;
  return `${percent >= 10 ? Math.round(percent) : percent.toPrecision(2)} %`;
}
