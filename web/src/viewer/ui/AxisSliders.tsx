import { type Projection, type TileSource, whyNoProjection } from "../data/source";
import type { ViewerState } from "../state/viewerState";
import { words } from "../strings";
import { AxisSlider } from "./AxisSlider";

interface Props {
  readonly source: TileSource;
  readonly state: ViewerState;
  readonly setState: (change: (state: ViewerState) => ViewerState) => void;
  /** What is to be said of where one is. */
  readonly note?: string;
}

/** Sliders for depth and time, where the image has them, and how planes become one picture. */
export function AxisSliders({ source, state, setState, note }: Props) {
  const { nPlanes, nTimes } = source.pyramid;
  if (nPlanes < 2 && nTimes < 2) return null;
  const refusal = whyNoProjection(source.pyramid);
  return (
    <div className="viewer-axes">
      {nPlanes > 1 && (
        <>
          <AxisSlider
            label={words.plane}
            value={state.z}
            count={nPlanes}
            disabled={state.projection !== "none"}
            onChange={(z) => setState((now) => ({ ...now, z }))}
          />
          <select
            className="input small"
            aria-label={words.projection}
            value={state.projection}
            disabled={refusal !== null}
            onChange={(event) => {
              const projection = event.target.value as Projection;
              setState((now) => ({ ...now, projection }));
            }}
          >
            {Object.entries(words.projections).map(([key, name]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
          {refusal && <span className="faint small">{refusal}</span>}
        </>
      )}
      {nTimes > 1 && (
        <AxisSlider
          label={words.time}
          value={state.t}
          count={nTimes}
          onChange={(t) => setState((now) => ({ ...now, t }))}
        />
      )}
      {note && (
        <span className="faint small" role="status">
          {note}
        </span>
      )}
    </div>
  );
}
