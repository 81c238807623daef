import { useRef } from "react";
import { changeImages, sendSheet } from "../../api/actions";
import { keys } from "../../api/keys";
import { queryClient } from "../../api/queries";
import type { ImageRow } from "../../api/types";
import { useAction } from "../../api/useAction";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { ProblemMessage } from "../../ui/Message";
import type { View } from "./ImagesScreen";
import type { useEdits } from "./useEdits";

const words = text.images;

interface Props {
  study: string;
  etag: string | null;
  images: ImageRow[];
  edits: ReturnType<typeof useEdits>;
  view: View;
}

/** Saves what was typed into the table, or takes a whole sample sheet. */
export function SaveBar({ study, etag, images, edits, view }: Props) {
  const file = useRef<HTMLInputElement>(null);
  const changes = edits.changes(images);
  const save = useAction(() => changeImages(study, etag, changes), edits.drop);
  const sheet = useAction(async (chosen: File) => sendSheet(study, etag, await chosen.text()), edits.drop);
  const problem = save.problem ?? sheet.problem;
  if (view === "grid" && changes.length === 0) return null;

  const reload = problem?.status === 412 && (
    <button
      type="button"
      className="button small"
      onClick={() => {
        save.clear();
        void queryClient.invalidateQueries({ queryKey: keys.of(study, "images") });
      }}
    >
      {words.takeNewest}
    </button>
  );
  return (
    <div className="stack">
      <div className="row">
        <button
          type="button"
          className="button primary"
          disabled={changes.length === 0 || save.busy}
          onClick={() => save.run()}
        >
          {words.saveChanges(changes.length)}
        </button>
        {changes.length > 0 && (
          <button type="button" className="button" onClick={edits.drop}>
            {words.dropChanges}
          </button>
        )}
        <button type="button" className="button" disabled={sheet.busy} onClick={() => file.current?.click()}>
          <Icon name="upload" /> {words.takeSheet}
        </button>
        <span className="faint small">{words.sheetHint}</span>
        <input
          ref={file}
          type="file"
          accept=".csv,text/csv"
          hidden
          aria-label={words.takeSheet}
          onChange={(event) => {
            const chosen = event.currentTarget.files?.[0];
            if (chosen) void sheet.run(chosen);
            event.currentTarget.value = "";
          }}
        />
      </div>
      {problem && <ProblemMessage problem={problem} action={reload} />}
    </div>
  );
}
