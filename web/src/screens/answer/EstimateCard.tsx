import type { Estimate, GroupEstimate, StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { interval, number } from "../../ui/format";
import { IntervalPlot } from "../../ui/plots/IntervalPlot";
import { TrustChip } from "../../ui/TrustChip";
import { Value } from "../../ui/Value";

const words = text.answer;

/** The answer per group: corrected with its interval, the method's own number beside it. */
export function EstimateCard({ study, estimate }: { study: StudyDetail; estimate: Estimate }) {
  const unit = typeof estimate.question.unit === "string" ? estimate.question.unit : "";
  const [only] = estimate.groups;
  const assumptions = [...new Set(estimate.groups.flatMap((row) => row.assumptions))];
  return (
    <div id="estimate">
      <Card title={words.perGroup} aside={<Legend />}>
        <div className="stack">
          {estimate.groups.length === 1 && only ? (
            <Value
              value={only.estimate}
              low={only.low}
              high={only.high}
              level={only.level}
              unit={unit}
              evidence={only.evidence}
              big
            />
          ) : (
            <IntervalPlot
              rows={estimate.groups.map(plotRow)}
              label={study.question_form?.text ?? words.perGroup}
              axis={unit}
            />
          )}
          <GroupTable groups={estimate.groups} unit={unit} />
          <details>
            <summary>{words.assumptions}</summary>
            <ul className="bullets">
              {assumptions.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          </details>
        </div>
      </Card>
    </div>
  );
}

function plotRow(row: GroupEstimate) {
  const shown = interval(row.estimate, row.low, row.high);
  return {
    name: row.group,
    value: row.estimate,
    low: row.low,
    high: row.high,
    naive: row.naive,
    text: words.rowText(row.group, shown.value, shown.range ?? "", number(row.naive)),
  };
}

function GroupTable({ groups, unit }: { groups: GroupEstimate[]; unit: string }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th>{words.group}</th>
          <th>
            {words.corrected} {unit && `(${unit})`}
          </th>
          <th className="number">{words.naive}</th>
          <th className="number">{words.n}</th>
          <th>{words.trust}</th>
        </tr>
      </thead>
      <tbody>
        {groups.map((row) => (
          <tr key={row.group}>
            <td>{row.group}</td>
            <td>
              {row.status === "ok" ? (
                <Value value={row.estimate} low={row.low} high={row.high} level={row.level} />
              ) : (
                <span className="soft">{row.reason}</span>
              )}
              {row.extra_tiles_needed ? (
                <div className="faint small">{words.extra(row.extra_tiles_needed)}</div>
              ) : null}
            </td>
            <td className="number">
              {number(row.naive)} <TrustChip evidence="untested" />
            </td>
            <td className="number">{words.counts(row.n_tiles_audited, row.n_images, row.n_replicates)}</td>
            <td>{row.estimate !== null && <TrustChip evidence={row.evidence} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Legend() {
  return (
    <span className="row small soft legend">
      <svg width="34" height="14" aria-hidden="true" className="plot">
        <line x1="1" x2="33" y1="7" y2="7" className="corrected" strokeWidth="3" />
        <circle cx="17" cy="7" r="5" className="corrected dot" />
      </svg>
      {words.corrected}
      <svg width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true" className="plot">
        <path d="M0-6l6 6-6 6-6-6z" className="naive" />
      </svg>
      {words.naive}
    </span>
  );
}
