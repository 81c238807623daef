import "../viewer/viewer.css";
import "./annotate.css";
import { useState } from "react";
import { ErrorMessage, Message } from "../ui/Message";
import { useTile } from "./state/useTile";
import { words } from "./strings";
import type { AnnotationEditorProps } from "./types";
import { OpenEditor } from "./ui/OpenEditor";

/**
 * Annotates one tile of the audit. Every stroke is journalled in this browser at once and on the server
 * soon after, so that reload, crash and lost connection lose nothing, and undo goes back through them.
 */
export function AnnotationEditor(props: AnnotationEditorProps) {
  const [attempt, setAttempt] = useState(0);
  const { study, annotator, unit } = props;
  const tile = useTile({ study, annotator, unit: unit.unit }, attempt);
  const again = (
    <button type="button" className="button small" onClick={() => setAttempt(attempt + 1)}>
      {words.again}
    </button>
  );
  if (tile.state === "open") return <OpenEditor key={attempt} {...props} {...tile} />;
  return (
    <div className="viewer-message" role="status">
      {tile.state === "opening" && words.opening}
      {tile.state === "elsewhere" && <Message tone="warn" title={words.elsewhere} action={again} />}
      {tile.state === "failed" && (
        <>
          <h3>{words.cannotOpen}</h3>
          <ErrorMessage error={tile.error} action={again} />
        </>
      )}
    </div>
  );
}
