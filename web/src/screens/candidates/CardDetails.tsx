import type { CandidateRow } from "../../api/types";
import { text } from "../../app/strings";
import { number } from "../../ui/format";
import { TrustChip } from "../../ui/TrustChip";

const words = text.candidates;

/** The method's card: limits, training data, figures from elsewhere, parameters; folded until asked for. */
export function CardDetails({ row }: { row: CandidateRow }) {
  const { card } = row;
  if (!card) return null;
  const size = card.diameter_px && words.diameters(number(card.diameter_px[0]), number(card.diameter_px[1]));
  const about: [string, string][] = [
    [words.madeFor, [...(card.objects ?? []), ...(card.modalities ?? [])].join(", ")],
    [words.takes, [card.channels, size].filter(Boolean).join(", ")],
    [words.trainedOn, card.training_data ?? ""],
    [
      words.parameters,
      Object.entries(row.parameters)
        .map(([key, value]) => `${key} = ${String(value)}`)
        .join(", "),
    ],
    [words.licence, card.licence ?? ""],
    [words.cite, card.citation ?? ""],
  ];
  return (
    <details>
      <summary>{words.details}</summary>
      <div className="stack card-details">
        {(card.limits ?? []).length > 0 && (
          <div>
            <h3>{words.limits}</h3>
            <ul className="bullets">
              {card.limits?.map((limit) => (
                <li key={limit}>{limit}</li>
              ))}
            </ul>
          </div>
        )}
        {(card.figures ?? []).length > 0 && (
          <div>
            <h3>
              {words.figures} <TrustChip evidence="benchmarked elsewhere" />
            </h3>
            <ul className="bullets">
              {card.figures?.map((figure) => (
                <li key={figure}>{figure}</li>
              ))}
            </ul>
          </div>
        )}
        <dl className="facts">
          {about
            .filter(([, value]) => value && value !== "none")
            .map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
        </dl>
      </div>
    </details>
  );
}
