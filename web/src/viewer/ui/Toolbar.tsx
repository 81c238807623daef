import { Icon } from "../../ui/Icon";
import type { TileSource } from "../data/source";
import { type Arrangement, fitBox } from "../render/views";
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
  const panes = state.arrangement === "side-by-side" ? visiblePanes(state).length : 1;
  const setZoom = (zoom: number) => onState({ ...state, views: [{ ...view, zoom }] });
  const whole = { x0: 0, y0: 0, x1: source.pyramid.width, y1: source.pyramid.height };
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
              onClick={() =>
                onState(
                  arrange(
                    state,
                    key,
                    labels.map(({ id }) => id),
                  ),
                )
              }
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
        onClick={() =>
          onState({ ...state, views: [fitBox(whole, { width: size.width / panes, height: size.height })] })
        }
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

function zoomText(zoom: number): string {
  const percent = 100 * 2 ** zoom;
  return `${percent >= 10 ? Math.round(percent) : percent.toPrecision(2)} %`;
}
