import type { TileSource } from "../data/source";
import type { ViewerState } from "../state/viewerState";
import { words } from "../strings";
import type { Under } from "./Pointer";

interface Props {
  readonly source: TileSource;
  readonly state: ViewerState;
  readonly under: Under | null;
  readonly label: number;
}

/** Position and raw values under the pointer. */
export function StatusBar({ source, state, under, label }: Props) {
  const { info } = source.pyramid;
  if (!under) return <div className="viewer-status" />;
  const um = (pixels: number, size: number) => ((pixels + 0.5) * size).toFixed(1);
  return (
    <div className="viewer-status">
      <span>{words.position(under.x, under.y)}</span>
      <span className="faint">
        {info.spacing
          ? words.positionUm(um(under.x, info.spacing.x), um(under.y, info.spacing.y))
          : words.uncalibrated}
      </span>
      {state.channels
        .filter(({ visible }) => visible)
        .map(({ index, name }) => {
          const found = source.valueAt(
            under.x,
            under.y,
            { c: index, z: state.z, t: state.t },
            state.projection,
          );
          return (
            <span key={index}>
              {name} <b>{found ? Number(found.value.toPrecision(6)) : words.notLoaded}</b>
              {found && found.level > 0 && <span className="faint"> ({words.coarse(found.level)})</span>}
            </span>
          );
        })}
      {label > 0 && <span className="object">{words.object(label)}</span>}
    </div>
  );
}
