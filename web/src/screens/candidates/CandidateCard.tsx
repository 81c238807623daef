import type { CandidateRow } from "../../api/types";
import { text } from "../../app/strings";
import { bytes, duration, number } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { Message } from "../../ui/Message";
import { Progress } from "../../ui/Progress";
import { TrustChip } from "../../ui/TrustChip";
import { CardDetails } from "./CardDetails";
import { MetricList } from "./MetricList";

const words = text.candidates;
const TONE: Record<CandidateRow["state"], string> = {
  "not-run": "",
  partial: "info",
  current: "good",
  stale: "warn",
  unavailable: "bad",
};

interface Props {
  row: CandidateRow;
  /** Whether it is to run; null: nothing to choose. */
  chosen: boolean | null;
  onToggle: () => void;
}

/** One method: what it is for, where it should not be trusted, what it found and what that cost. */
export function CandidateCard({ row, chosen, onToggle }: Props) {
  // One that learns and has nothing to learn from is no fault.
  const waits = row.state === "unavailable" && row.needs_training && row.card !== null;
  const state = waits ? words.waits : words.states[row.state];
  const tone = waits ? "info" : TONE[row.state];
  return (
    <article className={`card candidate${row.rank === 1 ? " first" : ""}`} aria-label={row.id}>
      <div className="head">
        {chosen !== null && (
          <input type="checkbox" checked={chosen} onChange={onToggle} aria-label={words.include(row.id)} />
        )}
        <h2>{row.id}</h2>
        {row.rank !== null && (
          <span className="chip" title={words.rankHint}>
            {words.rank(row.rank)}
            {row.tied_with.length > 0 && ` · ${words.tied(row.tied_with)}`}
          </span>
        )}
        <span className="spacer" />
        <span className={`chip ${tone}`}>{state}</span>
      </div>
      <div className="body stack">
        <p className="soft">{row.card?.summary ?? row.method}</p>
        {row.why && row.state !== "current" && (
          <Message tone={row.state === "unavailable" && !waits ? "bad" : "info"} title={state}>
            {row.why}
          </Message>
        )}
        {row.state === "partial" && (
          <Progress
            done={row.n_images_done}
            total={row.n_images}
            label={words.done(row.n_images_done, row.n_images)}
          />
        )}
        {row.outside_domain.map((warning) => (
          <p key={warning} className="domain">
            <Icon name="warn" size={13} /> {warning}
          </p>
        ))}
        {row.n_images_done > 0 && <Findings row={row} />}
        {row.metrics && <MetricList row={row} metrics={row.metrics} />}
        <CardDetails row={row} />
      </div>
    </article>
  );
}

function Findings({ row }: { row: CandidateRow }) {
  return (
    <>
      <div className="row">
        <span className="found number">
          <strong>{number(row.n_objects)}</strong> {words.objects}
        </span>
        <TrustChip evidence="untested" />
      </div>
      <dl className="facts">
        <div>
          <dt>{words.speed}</dt>
          <dd className="number">
            {duration(row.seconds_per_image)} {words.perImage}
            {row.megapixels_per_second !== null &&
              ` · ${number(row.megapixels_per_second)} ${words.megapixels}`}
          </dd>
        </div>
        {row.peak_memory_bytes !== null && (
          <div>
            <dt>{words.memory}</dt>
            <dd className="number">{bytes(row.peak_memory_bytes)}</dd>
          </div>
        )}
      </dl>
    </>
  );
}
