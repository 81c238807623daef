import { useState } from "react";
import type { Contrast, Estimate } from "../../api/types";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { interval, number } from "../../ui/format";
import { IntervalPlot } from "../../ui/plots/IntervalPlot";
import { TrustChip } from "../../ui/TrustChip";
import { Value } from "../../ui/Value";

const words = text.answer;
type Kind = Contrast["kind"];

/** Groups compared, with replicates as the unit: a difference or a ratio, its interval and p-value. */
export function ContrastCard({ estimate }: { estimate: Estimate }) {
  const contrasts = estimate.contrasts as Contrast[];
  const kinds = [...new Set(contrasts.map(({ kind }) => kind))];
  const [chosen, setKind] = useState<Kind>(kinds.includes("ratio") ? "ratio" : "difference");
  const rows = contrasts.filter(({ kind }) => kind === chosen);
  return (
    <Card
      title={words.contrasts}
      aside={
        <div className="row" role="group" aria-label={words.contrasts}>
          {kinds.map((kind) => (
            <button
              key={kind}
              type="button"
              className="button small"
              aria-pressed={kind === chosen}
              onClick={() => setKind(kind)}
            >
              {words.kinds[kind]}
            </button>
          ))}
        </div>
      }
    >
      <div className="stack">
        <IntervalPlot
          rows={rows.map(plotRow)}
          label={words.contrasts}
          nothing={chosen === "ratio" ? 1 : 0}
          axis={(chosen === "ratio" ? words.ratioAxis : words.differenceAxis)(estimate.contrast_unit)}
        />
        <table className="table">
          <thead>
            <tr>
              <th>{words.compared}</th>
              <th>{words.compareKind(words.kinds[chosen], estimate.contrast_unit)}</th>
              <th className="number">{words.p}</th>
              <th>{words.speaksFor}</th>
              <th>{words.trust}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={nameOf(row)}>
                <td>{nameOf(row)}</td>
                <td>
                  {row.estimate !== null ? (
                    <Value value={row.estimate} low={row.low} high={row.high} level={row.level} />
                  ) : (
                    <span className="soft">{row.reason}</span>
                  )}
                </td>
                <td className="number">{pText(row)}</td>
                <td className="soft">{words.scopes[row.scope ?? "replicates"]}</td>
                <td>
                  <TrustChip evidence={row.evidence ?? "audited"} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function nameOf({ group_a, group_b, kind }: Contrast): string {
  return kind === "ratio" ? `${group_b} / ${group_a}` : `${group_b} − ${group_a}`;
}

function plotRow(row: Contrast) {
  const shown = interval(row.estimate, row.low, row.high);
  const { estimate: value, low, high } = row;
  return {
    name: nameOf(row),
    value,
    low,
    high,
    text: `${nameOf(row)}: ${shown.value} (${shown.range ?? ""})`,
  };
}

function pText({ p_value, p_adjusted }: Contrast): string {
  const p = p_adjusted ?? p_value ?? null;
  if (p === null) return text.missing;
  return p < 0.0001 ? "< 0.0001" : number(p, 2);
}
