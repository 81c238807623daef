import type { DeckGLRef } from "@deck.gl/react";
import { type RefObject, useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { ErrorMessage } from "../../ui/Message";
import type { TileSource } from "../data/source";
import { drawFigure } from "../export/draw";
import { save } from "../export/save";
import { settingsText } from "../export/settings";
import type { ColumnColors } from "../render/labelStyle";
import type { Pane } from "../render/views";
import type { ViewerState } from "../state/viewerState";
import { words } from "../strings";
import type { ViewerImage, ViewerLabels } from "../types";

interface Props {
  readonly image: ViewerImage;
  readonly labels: readonly ViewerLabels[];
  readonly source: TileSource;
  readonly state: ViewerState;
  readonly panes: readonly Pane[];
  readonly size: { width: number; height: number };
  readonly columns: ReadonlyMap<string, ColumnColors>;
  readonly deck: RefObject<DeckGLRef | null>;
  readonly onClose: () => void;
}

/** Saves what is in view as a PNG with a scale bar, and a text with all settings. */
export function ExportDialog(props: Props) {
  const { image, size, deck, onClose } = props;
  const [times, setTimes] = useState(1);
  const [hasBar, setBar] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const run = async () => {
    try {
      const picture = deck.current?.deck;
      if (!picture) return;
      const blob = await drawFigure(picture, props, { times, hasBar });
      const name = `${image.name.replace(/[^\w.-]+/g, "_")}_figure`;
      save(blob, `${name}.png`);
      save(new Blob([settingsText(props, { times, hasBar })], { type: "text/plain" }), `${name}.txt`);
      onClose();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Dialog label={words.exportTitle} onClose={onClose}>
      <div className="viewer-export">
        <h2>{words.exportTitle}</h2>
        <label className="viewer-slider">
          <span>{words.exportScale}</span>
          <select className="input" value={times} onChange={(event) => setTimes(Number(event.target.value))}>
            {[1, 2, 4].map((n) => (
              <option key={n} value={n}>
                {words.exportTimes(n, Math.round(size.width * n), Math.round(size.height * n))}
              </option>
            ))}
          </select>
        </label>
        <label className="viewer-check">
          <input type="checkbox" checked={hasBar} onChange={(event) => setBar(event.target.checked)} />
          {words.exportBar}
        </label>
        <p className="faint small">{words.exportNote}</p>
        {error !== null && <ErrorMessage error={error} />}
        <div className="line">
          <button type="button" className="button primary" onClick={run}>
            {words.exportSave}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {words.cancel}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
