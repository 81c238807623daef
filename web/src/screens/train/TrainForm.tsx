import { useState } from "react";
import { startJob } from "../../api/actions";
import { useOptions, useSession } from "../../api/queries";
import type { MethodCard } from "../../api/types";
import { useAction } from "../../api/useAction";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { ProblemMessage } from "../../ui/Message";

const words = text.train;
type Tune = keyof typeof words.tunes;

/** Methods that bring trained weights, which a network can begin with. */
function isTrained({ needs_training, training_data }: MethodCard): boolean {
  return !needs_training && training_data !== "" && training_data !== "none";
}

/** What to begin with, what learns, and for how long; one button trains. */
export function TrainForm({ study, ready }: { study: string; ready: boolean }) {
  const mayTrain = useSession().data?.role === "owner";
  const methods = (useOptions().data?.methods ?? []).filter(isTrained);
  const [start, setStart] = useState("");
  const [tune, setTune] = useState<Tune>("all");
  const [typed, setTyped] = useState("20");
  const minutes = Number(typed.replace(",", "."));
  const sound = typed.trim() !== "" && minutes > 0;
  const train = useAction(() =>
    startJob(study, { kind: "train", minutes, ...(start ? { start, tune } : { tune: "all" }) }),
  );
  if (!mayTrain) return null;
  return (
    <Card title={words.how}>
      <form
        className="stack wide"
        onSubmit={(event) => {
          event.preventDefault();
          if (sound && ready) void train.run();
        }}
      >
        <div className="question-fields">
          <Field label={words.start}>
            <select className="input" value={start} onChange={(event) => setStart(event.target.value)}>
              <option value="">{words.scratch}</option>
              {methods.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </Field>
          <Field label={words.tune}>
            <select
              className="input"
              value={tune}
              disabled={start === ""}
              onChange={(event) => setTune(event.target.value as Tune)}
            >
              {Object.entries(words.tunes).map(([key, label]) => (
                <option key={key} value={key}>
                  {label}
                </option>
              ))}
            </select>
          </Field>
          <Field label={words.minutes} hint={words.minutesHint} fault={sound ? null : words.minutesFault}>
            <input
              className="input count-input"
              inputMode="decimal"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          </Field>
        </div>
        {train.problem && <ProblemMessage problem={train.problem} />}
        <div className="row">
          <button type="submit" className="button primary" disabled={!ready || !sound || train.busy}>
            <Icon name="spark" /> {words.go}
          </button>
          {!ready && <span className="faint">{words.needsTiles}</span>}
        </div>
      </form>
    </Card>
  );
}
