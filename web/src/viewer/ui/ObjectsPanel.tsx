import { TrustChip } from "../../ui/TrustChip";
import type { ColumnColors, LabelStyle } from "../render/labelStyle";
import { COLUMN_MAP } from "../render/labelStyle";
import { MOST_PANES, showInPane, type ViewerState, visiblePanes } from "../state/viewerState";
import { words } from "../strings";
import type { ViewerLabels } from "../types";
import { gradient } from "./gradient";
import { Slider } from "./Slider";

interface Props {
  readonly labels: readonly ViewerLabels[];
  readonly state: ViewerState;
  readonly columns: ReadonlyMap<string, ColumnColors>;
  readonly unit: string;
  readonly onState: (state: ViewerState) => void;
}

/** Which objects each pane shows, and how. */
export function ObjectsPanel({ labels, state, columns, unit, onState }: Props) {
  const panes = visiblePanes(state);
  const setLook = (change: Partial<LabelStyle>) => onState({ ...state, look: { ...state.look, ...change } });
  const chosen = labels.filter(({ id }) => panes.includes(id));
  return (
    <section className="viewer-section" aria-label={words.objects}>
      <header>
        <h3>{words.objects}</h3>
      </header>
      {panes.map((id, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: panes have no identity but their place
        <div key={i} className="line">
          <select
            className="input small"
            aria-label={words.pane(i)}
            value={id ?? ""}
            onChange={(event) => onState(showInPane(state, i, event.target.value || null))}
          >
            <option value="">{words.imageOnly}</option>
            {labels.map((each) => (
              <option key={each.id} value={each.id}>
                {each.name}
              </option>
            ))}
          </select>
          {chosen.find((each) => each.id === id) && (
            <TrustChip evidence={(chosen.find((each) => each.id === id) as ViewerLabels).evidence} />
          )}
        </div>
      ))}
      {state.arrangement === "side-by-side" && (
        <PaneButtons state={state} labels={labels} onState={onState} />
      )}
      {chosen.length > 0 && (
        <>
          <Slider
            label={words.opacity}
            value={state.look.opacity}
            min={0}
            max={1}
            step={0.05}
            text={`${Math.round(100 * state.look.opacity)} %`}
            onChange={(opacity) => setLook({ opacity })}
          />
          <Slider
            label={words.contour}
            value={state.look.contour}
            min={0}
            max={6}
            step={0.5}
            text={words.contourValue(state.look.contour)}
            onChange={(contour) => setLook({ contour })}
          />
          <label className="viewer-check">
            <input
              type="checkbox"
              checked={state.look.selectedOnly}
              onChange={(event) => setLook({ selectedOnly: event.target.checked })}
            />
            {words.selectedOnly}
          </label>
          <ColourBy chosen={chosen} state={state} columns={columns} unit={unit} onState={onState} />
          {state.column === null && (
            <button
              type="button"
              className="button small"
              onClick={() => setLook({ seed: (state.look.seed + 1) % 1000 })}
            >
              {words.shuffle}
            </button>
          )}
        </>
      )}
    </section>
  );
}

function PaneButtons({ state, labels, onState }: Pick<Props, "state" | "labels" | "onState">) {
  const unused = labels.find(({ id }) => !state.shown.includes(id))?.id ?? null;
  return (
    <div className="line">
      <button
        type="button"
        className="button small"
        disabled={state.shown.length >= MOST_PANES}
        onClick={() => onState({ ...state, shown: [...state.shown, unused] })}
      >
        {words.addPane}
      </button>
      <button
        type="button"
        className="button small"
        disabled={state.shown.length < 3}
        onClick={() => onState({ ...state, shown: state.shown.slice(0, -1) })}
      >
        {words.removePane}
      </button>
    </div>
  );
}

function ColourBy({
  chosen,
  state,
  columns,
  unit,
  onState,
}: Omit<Props, "labels"> & { chosen: readonly ViewerLabels[] }) {
  const names = [...new Set(chosen.flatMap((each) => (each.columns ?? []).map(({ name }) => name)))];
  if (names.length === 0) return null;
  const legend = chosen.map(({ id }) => columns.get(id)).find((each) => each !== undefined);
  return (
    <>
      <label className="viewer-slider">
        <span>{words.colourBy}</span>
        <select
          className="input small"
          value={state.column ?? ""}
          onChange={(event) => onState({ ...state, column: event.target.value || null })}
        >
          <option value="">{words.colourByLabel}</option>
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {state.column !== null && legend && (
        <div className="viewer-legend">
          <div className="ramp" style={{ background: gradient(COLUMN_MAP) }} />
          <p className="small">{words.legend(short(legend.low), short(legend.high), unit)}</p>
          {legend.missing > 0 && <p className="small faint">{words.legendMissing(legend.missing)}</p>}
        </div>
      )}
    </>
  );
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
