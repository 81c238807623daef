import { useState } from "react";
import type { Answer } from "../../api/types";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { ReliabilityPlot } from "../../ui/plots/ReliabilityPlot";
import { TrustChip } from "../../ui/TrustChip";
import { Value } from "../../ui/Value";
import { reliabilities } from "./validation";

const words = text.answer;

/** Whether the probabilities that methods state of their objects hold; methods that state none are named. */
export function ReliabilityCard({ answer }: { answer: Answer }) {
  const { stated, silent } = reliabilities(answer.validation);
  const names = Object.keys(stated);
  const [chosen, setChosen] = useState("");
  const shown = [chosen, answer.estimate.method, names[0] ?? ""].find((name) => name in stated);
  const found = shown === undefined ? undefined : stated[shown];
  const none = silent.length > 0 && <p className="soft small">{words.silent(silent)}</p>;
  if (found === undefined)
    return (
      <Card title={words.reliability}>
        <p className="soft">{words.noneStated}</p>
      </Card>
    );
  return (
    <div id="reliability">
      <Card
        title={words.reliability}
        aside={
          <>
            <select
              className="input small"
              aria-label={words.reliabilityOf}
              value={shown}
              onChange={(event) => setChosen(event.target.value)}
            >
              {names.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
            <TrustChip evidence={answer.evidence} />
          </>
        }
      >
        <div className="columns">
          <ReliabilityPlot bins={found.bins} />
          <div className="stack">
            <p>{words.holds(found.shown, found.excess.value ?? 0)}</p>
            <dl className="facts">
              <div>
                <dt>{words.excess}</dt>
                <dd>
                  <Value {...found.excess} />
                </dd>
              </div>
              <div>
                <dt>{words.calibrationError}</dt>
                <dd>
                  <Value {...found.error} />
                </dd>
              </div>
            </dl>
            <p className="soft small">{words.reliabilityHint(found.n)}</p>
            {none}
          </div>
        </div>
      </Card>
    </div>
  );
}
