import type { TileSource } from "../data/source";
import type { ColumnColors } from "../render/labelStyle";
import type { Ranges } from "../state/useLimits";
import type { ViewerState } from "../state/viewerState";
import type { ViewerLabels } from "../types";
import { ChannelPanel } from "./ChannelPanel";
import { ObjectsPanel } from "./ObjectsPanel";

interface Props {
  readonly source: TileSource;
  readonly labels: readonly ViewerLabels[];
  readonly state: ViewerState;
  readonly ranges: Ranges;
  readonly columns: { readonly colors: ReadonlyMap<string, ColumnColors>; readonly unit: string };
  readonly onState: (state: ViewerState) => void;
  readonly onAuto: (index: number) => void;
}

/** What can be set: channels above, objects below. */
export function Panel({ source, labels, state, ranges, columns, onState, onAuto }: Props) {
  return (
    <aside className="viewer-panel">
      <ChannelPanel
        channels={state.channels}
        locked={state.locked}
        ranges={ranges}
        isInteger={!source.pyramid.dtype.startsWith("float")}
        onChannels={(channels) => onState({ ...state, channels })}
        onLock={(locked) => onState({ ...state, locked })}
        onAuto={onAuto}
      />
      {labels.length > 0 && (
        <ObjectsPanel
          labels={labels}
          state={state}
          columns={columns.colors}
          unit={columns.unit}
          onState={onState}
        />
      )}
    </aside>
  );
}
