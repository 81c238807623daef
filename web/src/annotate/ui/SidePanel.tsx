import type { ChannelDisplay } from "../../viewer/display/channels";
import { ChannelPanel } from "../../viewer/ui/ChannelPanel";
import { Slider } from "../../viewer/ui/Slider";
import type { TilePixels } from "../api";
import type { CountedObject } from "../model/counting";
import { OUTLINERS, type Outliner } from "../segment/clickSegment";
import { LARGEST_BRUSH, radiusAt, SMALLEST_BRUSH } from "../state/preferences";
import type { Editor } from "../state/useEditor";
import type { Segmenters } from "../state/useSegmenters";
import { words } from "../strings";
import { ModelPanel } from "./ModelPanel";

interface Props {
  readonly editor: Editor;
  readonly segmenters: Segmenters;
  readonly object: string;
  readonly objects: readonly CountedObject[];
  readonly channels: readonly ChannelDisplay[];
  readonly ranges: ReadonlyMap<number, { min: number; max: number }>;
  readonly pixels: TilePixels;
  readonly onChannels: (channels: readonly ChannelDisplay[]) => void;
  readonly onAuto: (index: number) => void;
  readonly locked: boolean;
  readonly onLock: (locked: boolean) => void;
}

/** Settings of the brush, what counts, how objects and picture look. */
export function SidePanel({ editor, segmenters, object, objects, channels, ranges, pixels, ...rest }: Props) {
  return (
    <>
      <BrushSection editor={editor} segmenters={segmenters} />
      <ChosenSection editor={editor} objects={objects} />
      <CountingSection objects={objects} object={object} />
      <LookSection editor={editor} />
      <ChannelPanel
        channels={channels}
        ranges={ranges}
        isInteger={!pixels.dtype.startsWith("float")}
        onChannels={rest.onChannels}
        onAuto={rest.onAuto}
        locked={rest.locked}
        onLock={rest.onLock}
      />
    </>
  );
}

function BrushSection({ editor, segmenters }: Pick<Props, "editor" | "segmenters">) {
  const { preferences, setPreferences, tool, camera, label } = editor;
  const set = (change: Partial<typeof preferences>) => setPreferences({ ...preferences, ...change });
  const diameter = 2 * radiusAt(preferences, camera.scale);
  return (
    <section className="viewer-section" aria-label={words.tools[tool].name}>
      <header>
        <h3>{words.tools[tool].name}</h3>
        <span className="faint small">{words.currentObject(label)}</span>
      </header>
      <p className="small soft">{words.tools[tool].hint}</p>
      {(tool === "brush" || tool === "erase") && (
        <>
          <Slider
            label={words.size}
            value={Math.log2(preferences.brush)}
            min={Math.log2(SMALLEST_BRUSH)}
            max={Math.log2(LARGEST_BRUSH)}
            step={0.1}
            text={words.pixels(diameter < 10 ? diameter.toFixed(1) : String(Math.round(diameter)))}
            onChange={(power) => set({ brush: Math.round(10 * 2 ** power) / 10 })}
          />
          <label className="viewer-check">
            <input
              type="checkbox"
              checked={preferences.followsZoom}
              onChange={(event) => set({ followsZoom: event.target.checked })}
            />
            {words.followZoom}
          </label>
        </>
      )}
      {tool === "model" && <ModelPanel editor={editor} segmenters={segmenters} />}
      {tool === "click-segment" && (
        <label className="viewer-slider">
          <span>{words.outlineBy}</span>
          <select
            className="input small"
            value={preferences.outliner}
            onChange={(event) => set({ outliner: event.target.value as Outliner })}
          >
            {OUTLINERS.map((each) => (
              <option key={each} value={each}>
                {words.outliners[each]}
              </option>
            ))}
          </select>
        </label>
      )}
      <label className="viewer-check">
        <input
          type="checkbox"
          checked={preferences.protects}
          onChange={(event) => set({ protects: event.target.checked })}
        />
        {words.protect}
      </label>
      <label className="viewer-check">
        <input
          type="checkbox"
          checked={preferences.autoLabel}
          onChange={(event) => set({ autoLabel: event.target.checked })}
        />
        {words.autoLabel}
      </label>
    </section>
  );
}

function ChosenSection({ editor, objects }: { editor: Editor; objects: readonly CountedObject[] }) {
  const { selected, session } = editor;
  const chosen = objects.filter(({ label }) => selected.has(label));
  if (chosen.length === 0) return null;
  return (
    <section className="viewer-section" aria-label={words.chosen}>
      <header>
        <h3>{words.chosen}</h3>
      </header>
      {chosen.slice(0, 6).map(({ label, area, counts }) => (
        <p key={label} className="tile-count">
          <i className={counts ? "dot" : "dot ring"} />
          {words.chosenObject(label, area, words.status[session.document.status.get(label) ?? "drawn"])}
        </p>
      ))}
      {chosen.length > 6 && <p className="small soft">{words.chosenMore(chosen.length - 6)}</p>}
    </section>
  );
}

function CountingSection({ objects, object }: { objects: readonly CountedObject[]; object: string }) {
  const here = objects.filter(({ counts }) => counts).length;
  const cut = objects.filter(({ counts, isCut }) => counts && isCut).length;
  return (
    <section className="viewer-section" aria-label={words.counting}>
      <header>
        <h3>{words.counting}</h3>
      </header>
      <p className="tile-count">
        <i className="dot" /> {words.countsHere(here)}
      </p>
      {objects.length > here && (
        <p className="tile-count soft">
          <i className="dot ring" /> {words.countsElsewhere(objects.length - here)}
        </p>
      )}
      <p className="small soft">{words.rule(object)}</p>
      {cut > 0 && <p className="viewer-warning">{words.cut(cut)}</p>}
    </section>
  );
}

function LookSection({ editor }: { editor: Editor }) {
  const { preferences, setPreferences } = editor;
  const { look } = preferences;
  const set = (change: Partial<typeof look>) =>
    setPreferences({ ...preferences, look: { ...look, ...change } });
  return (
    <section className="viewer-section" aria-label={words.objects}>
      <header>
        <h3>{words.objects}</h3>
        <button type="button" className="button small plain" onClick={() => set({ seed: look.seed + 1 })}>
          {words.shuffle}
        </button>
      </header>
      <label className="viewer-check">
        <input
          type="checkbox"
          checked={look.isVisible}
          onChange={(event) => set({ isVisible: event.target.checked })}
        />
        {words.show}
      </label>
      <Slider
        label={words.fill}
        value={look.fill}
        min={0}
        max={1}
        step={0.05}
        text={`${Math.round(100 * look.fill)} %`}
        onChange={(fill) => set({ fill })}
      />
      <Slider
        label={words.outline}
        value={look.outline}
        min={0}
        max={5}
        step={0.2}
        text={look.outline === 0 ? words.off : words.pixels(String(Math.round(10 * look.outline) / 10))}
        onChange={(outline) => set({ outline })}
      />
    </section>
  );
}
