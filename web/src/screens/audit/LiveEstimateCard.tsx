import type { LiveEstimate, StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { Message } from "../../ui/Message";
import { NarrowingPlot } from "../../ui/plots/NarrowingPlot";
import { TrustChip } from "../../ui/TrustChip";
import { Value } from "../../ui/Value";
import { useHistory } from "./useHistory";

const words = text.audit;

interface Props {
  study: StudyDetail;
  estimate: LiveEstimate;
  /** Tiles annotated by now; the estimate may still be one of fewer. */
  annotated: number;
}

/** What the annotated tiles say so far, how it narrowed, and whether that is enough. */
export function LiveEstimateCard({ study, estimate, annotated }: Props) {
  const history = useHistory(study.id, estimate);
  const one = estimate.groups.length === 1;
  const missing = annotated - estimate.n_annotated;
  return (
    <Card title={words.soFar} aside={<TrustChip evidence={estimate.evidence} />}>
      <div className="stack">
        {missing > 0 && <p className="soft small">{words.behind(missing)}</p>}
        <dl className="facts wide">
          {estimate.groups.map((row) => (
            <div key={row.group}>
              <dt>{one ? study.question_form?.text : row.group}</dt>
              <dd>
                {row.status === "ok" ? (
                  <Value value={row.estimate} low={row.low} high={row.high} level={row.level} />
                ) : (
                  <span className="soft">{row.reason ?? words.cannotTell}</span>
                )}
              </dd>
            </div>
          ))}
        </dl>
        {history.length > 1 && (
          <NarrowingPlot history={history} tolerance={estimate.tolerance} label={words.narrowing} />
        )}
        <Message
          tone={estimate.enough ? "good" : "info"}
          title={estimate.enough ? words.enough : words.notEnough}
        >
          {estimate.text}
        </Message>
        <p className="faint small">{words.by(estimate.method, estimate.n_counted)}</p>
      </div>
    </Card>
  );
}
