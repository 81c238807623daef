import type { CandidateRow, Interval } from "../../api/types";
import { text } from "../../app/strings";
import { TrustChip } from "../../ui/TrustChip";
import { Value } from "../../ui/Value";

const SHOWN = ["f1@0.5", "precision@0.5", "recall@0.5", "f1@0.7"];

/** How well objects are found on the audited tiles, each with its interval. */
export function MetricList({ row, metrics }: { row: CandidateRow; metrics: Record<string, Interval> }) {
  const shown = SHOWN.filter((key) => metrics[key]);
  const keys = shown.length ? shown : Object.keys(metrics).slice(0, 4);
  return (
    <>
      <div className="row">
        <h3>{text.candidates.onTiles(row.n_tiles)}</h3>
        <TrustChip evidence={row.evidence} />
        {row.metrics_stale && <span className="chip warn">{text.stale}</span>}
      </div>
      <dl className="facts">
        {keys.map((key) => {
          const metric = metrics[key];
          return (
            metric && (
              <div key={key}>
                <dt>{text.metrics[key] ?? key}</dt>
                <dd>
                  <Value value={metric.value} low={metric.low} high={metric.high} level={metric.level} />
                </dd>
              </div>
            )
          );
        })}
      </dl>
    </>
  );
}
