import { Message } from "../../ui/Message";
import type { Editor } from "../state/useEditor";
import { words } from "../strings";

interface Props {
  readonly editor: Editor;
  /** Proposals that saving would take as accepted; 0: none. */
  readonly toDecide: number;
  readonly onAcceptAndSave: () => void;
  readonly onGoBack: () => void;
  readonly onSaveOver: (etag: string) => void;
}

/** What a person has to know or decide before going on. */
export function Notices({ editor, toDecide, onAcceptAndSave, onGoBack, onSaveOver }: Props) {
  const { session, message, setMessage } = editor;
  const { conflict, storageFault } = session;
  const count = conflict
    ? new Set(conflict.theirs.data).size - (conflict.theirs.data.includes(0) ? 1 : 0)
    : 0;
  return (
    <div className="tile-notices">
      {toDecide > 0 && (
        <Message
          tone="warn"
          title={words.decideTitle(toDecide)}
          action={<Two yes={words.decideYes} no={words.decideNo} onYes={onAcceptAndSave} onNo={onGoBack} />}
        >
          {words.decideDetail}
        </Message>
      )}
      {conflict && (
        <Message
          tone="warn"
          title={words.conflictTitle}
          action={
            <Two
              yes={words.keepMine}
              no={words.takeTheirs}
              onYes={() => onSaveOver(conflict.theirs.etag)}
              onNo={() => session.takeTheirs()}
            />
          }
        >
          {words.conflictDetail(count)}
        </Message>
      )}
      {storageFault && <Message tone="warn" title={words.storageFault(storageFault)} />}
      {message && (
        <button type="button" className="tile-message" onClick={() => setMessage(null)}>
          {message}
        </button>
      )}
    </div>
  );
}

function Two(props: { yes: string; no: string; onYes: () => void; onNo: () => void }) {
  return (
    <div className="line">
      <button type="button" className="button small primary" onClick={props.onYes}>
        {props.yes}
      </button>
      <button type="button" className="button small" onClick={props.onNo}>
        {props.no}
      </button>
    </div>
  );
}
