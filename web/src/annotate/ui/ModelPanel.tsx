import { useSyncExternalStore } from "react";
import { TrustChip } from "../../ui/TrustChip";
import type { PromptState } from "../prompt/prompting";
import { takeOutline } from "../state/useActions";
import type { Editor } from "../state/useEditor";
import type { Segmenters } from "../state/useSegmenters";
import { words } from "../strings";

interface Props {
  readonly editor: Editor;
  readonly segmenters: Segmenters;
}

/** Which model outlines what is pointed at, what it says, and how far that can be trusted. */
export function ModelPanel({ editor, segmenters }: Props) {
  const { offered, chosen, blind } = segmenters;
  if (blind) return <p className="small soft">{words.model.blind}</p>;
  if (offered === null) return <p className="small soft">{words.model.looking}</p>;
  if (!chosen) return <NoModel onLookAgain={segmenters.lookAgain} />;
  return (
    <>
      <label className="viewer-slider">
        <span>{words.model.choose}</span>
        <select
          className="input small"
          value={chosen.name}
          onChange={({ target }) => editor.setPreferences({ ...editor.preferences, segmenter: target.value })}
        >
          {offered.map(({ name }) => (
            <option key={name} value={name}>
              {name.replace("segmenter:", "")}
            </option>
          ))}
        </select>
      </label>
      <p className="small soft">
        {words.model.licence(chosen.licence)} <TrustChip evidence={chosen.evidence} />
      </p>
      <p className="small soft">{words.model.recorded}</p>
      <Outline editor={editor} />
    </>
  );
}

function NoModel({ onLookAgain }: { onLookAgain: () => void }) {
  return (
    <>
      <p className="small soft">{words.model.none}</p>
      <p>
        <code>{words.model.command}</code>
      </p>
      <button type="button" className="button small" onClick={onLookAgain}>
        {words.model.lookAgain}
      </button>
    </>
  );
}

/** What the model answered to the clicks so far, and what to do with it. */
function Outline({ editor }: { editor: Editor }) {
  const { prompting } = editor;
  const state = useSyncExternalStore(prompting.subscribe, prompting.getState);
  return (
    <>
      <p className={state.problem ? "viewer-warning" : "small"} role="status" data-model={stageOf(state)}>
        {saying(state)}
      </p>
      {prompting.isOpen && (
        <div className="line wrap">
          <button type="button" className="button small primary" onClick={() => void takeOutline(editor)}>
            {words.model.accept}
          </button>
          <button type="button" className="button small" onClick={() => prompting.stepBack()}>
            {words.model.back}
          </button>
          <button type="button" className="button small" onClick={() => prompting.cancel()}>
            {words.model.cancel}
          </button>
        </div>
      )}
    </>
  );
}

type Stage = "problem" | "reading" | "answering" | "ready" | "empty" | "outline";

function stageOf({ problem, waits, points, box, places }: PromptState): Stage {
  const isOpen = points.length > 0 || box !== null;
  if (problem) return "problem";
  if (waits) return isOpen ? "answering" : "reading";
  if (!isOpen) return "ready";
  return places.length === 0 ? "empty" : "outline";
}

function saying(state: PromptState): string {
  const { model } = words;
  switch (stageOf(state)) {
    case "problem":
      return [state.problem?.detail, state.problem?.action].filter(Boolean).join(" ");
    case "reading":
      return model.reading;
    case "answering":
      return model.answering(state.points.length + (state.box ? 1 : 0));
    case "ready":
      return model.ready;
    case "empty":
      return model.empty;
    case "outline":
      return model.outline(state.places.length, state.quality ?? 0);
  }
}
