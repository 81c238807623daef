import { useState } from "react";
import type { Answer, StudyDetail } from "../../api/types";
import { navigate, studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { AgreementPlot } from "../../ui/plots/AgreementPlot";
import { TrustChip } from "../../ui/TrustChip";
import { Value } from "../../ui/Value";
import { agreements } from "./validation";

const words = text.answer;

/** Tile by tile, what the person and the method say; a point opens its tile. */
export function AgreementCard({ study, answer }: { study: StudyDetail; answer: Answer }) {
  const all = agreements(answer.validation);
  const [chosen, setChosen] = useState(answer.estimate.method);
  const found = all[chosen];
  if (!found) return null;
  const open = (unit: string) => navigate(studyPath(study.id, "audit", unit));
  const shared = { ...found, onPick: open };
  return (
    <Card
      title={words.agreement}
      aside={
        <>
          <select
            className="input small"
            aria-label={words.candidate}
            value={chosen}
            onChange={(event) => setChosen(event.target.value)}
          >
            {Object.keys(all).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <TrustChip evidence={answer.evidence} />
        </>
      }
    >
      <div className="columns">
        <AgreementPlot {...shared} kind="scatter" />
        <AgreementPlot {...shared} kind="difference" />
      </div>
      <dl className="facts wide">
        {(["mean", "lower", "upper"] as const).map((key) => (
          <div key={key}>
            <dt>{words.limits[key]}</dt>
            <dd>
              <Value
                value={found[key].value}
                low={found[key].low}
                high={found[key].high}
                level={found[key].level}
              />
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
