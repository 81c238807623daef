import { TrustChip } from "../../ui/TrustChip";
import type { Action } from "../keys/actions";
import { undecided } from "../state/useActions";
import type { Editor } from "../state/useEditor";
import { words } from "../strings";
import type { Proposal } from "../types";

interface Props {
  readonly editor: Editor;
  readonly proposals: readonly Proposal[];
  readonly shown: string | null;
  /** Candidate whose proposals are on their way; null if none. */
  readonly asking: string | null;
  readonly blind: boolean;
  readonly onBlind?: (blind: boolean) => void;
  readonly onShow: (candidate: string) => void;
  readonly onAction: (action: Action) => void;
}

/** What candidates found, to accept, correct or reject one by one; or nothing, when annotating blind. */
export function ProposalPanel(props: Props) {
  const { editor, proposals, shown, asking, blind, onBlind, onShow, onAction } = props;
  const open = undecided(editor);
  return (
    <section className="viewer-section" aria-label={words.proposals}>
      <header>
        <h3>{words.proposals}</h3>
        {!blind && shown && <span className="faint small">{words.undecided(open.length)}</span>}
      </header>
      <label className="viewer-check">
        <input
          type="checkbox"
          checked={blind}
          disabled={!onBlind}
          onChange={(event) => onBlind?.(event.target.checked)}
        />
        {words.blind}
      </label>
      {blind && <p className="small soft">{words.blindOn}</p>}
      {!blind && shown && <p className="small soft">{words.shownFrom(shown)}</p>}
      {!blind && !shown && proposals.length === 0 && <p className="small soft">{words.noProposals}</p>}
      {!blind && asking && (
        <p className="small soft" role="status">
          {words.asking(asking)}
        </p>
      )}
      {!blind &&
        !shown &&
        !asking &&
        proposals.map(({ candidate, evidence }) => (
          <div key={candidate} className="line wrap">
            <button type="button" className="button small" onClick={() => onShow(candidate)}>
              {words.startFrom(candidate)}
            </button>
            <TrustChip evidence={evidence} />
          </div>
        ))}
      {open.length > 0 && (
        <div className="line wrap">
          <button type="button" className="button small" onClick={() => onAction("accept")}>
            {words.accept}
          </button>
          <button type="button" className="button small" onClick={() => onAction("reject")}>
            {words.reject}
          </button>
          <button type="button" className="button small" onClick={() => onAction("next proposal")}>
            {words.next}
          </button>
          <button
            type="button"
            className="button small"
            onClick={() => editor.session.setStatus("accept", open, "accepted")}
          >
            {words.acceptAll(open.length)}
          </button>
        </div>
      )}
    </section>
  );
}
