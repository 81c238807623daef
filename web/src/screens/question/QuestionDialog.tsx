import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { changeQuestion, previewQuestion } from "../../api/actions";
import { keys } from "../../api/keys";
import { useAudit } from "../../api/queries";
import type { Options, QuestionForm, StudyDetail } from "../../api/types";
import { useAction } from "../../api/useAction";
import { useApp } from "../../app/store";
import { text } from "../../app/strings";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { ErrorMessage, ProblemMessage } from "../../ui/Message";
import { QuestionFields } from "../home/QuestionFields";
import { type Asked, askedOf, faultsOf, requestOf } from "./asked";
import { Effects } from "./Effects";

const words = text.question;
interface Props {
  study: StudyDetail;
  question: QuestionForm;
  options: Options;
  onClose: () => void;
}

/** Another question: what it would change is said before it is asked. */
export function QuestionDialog({ study, question, options, onClose }: Props) {
  const [asked, setAsked] = useState<Asked>(() => askedOf(question, options));
  const faults = faultsOf(asked);
  const isSound = !Object.values(faults).some(Boolean);
  const request = requestOf(asked);
  const annotated = useAudit(study.id).data?.units.some(({ state }) => state === "annotated") ?? false;
  const effect = useQuery({
    queryKey: keys.of(study.id, "question", JSON.stringify(request), question.version),
    queryFn: () => previewQuestion(study.id, request),
    enabled: isSound,
    placeholderData: (before) => before,
  });
  const change = useAction(
    () => changeQuestion(study.id, question.version, request),
    () => {
      useApp.getState().notify({ tone: "good", title: words.changed });
      onClose();
    },
  );
  const set = (key: keyof Asked) => (typed: string) => setAsked((before) => ({ ...before, [key]: typed }));
  const form = {
    values: asked,
    set: {
      object: set("object"),
      measure: set("measure"),
      column: set("column"),
      side: set("side"),
      threshold: set("threshold"),
      tolerance: set("tolerance"),
    },
    kind: options.measures.find(({ key }) => key === asked.measure),
    faults: { tolerance: faults.tolerance ? text.create.toleranceFault : null },
  };
  const isReady = isSound && effect.data?.is_change && !effect.isFetching && !effect.error;
  return (
    <Dialog label={words.title} onClose={onClose} className="wide-dialog">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) void change.run();
        }}
      >
        <h2>{words.title}</h2>
        <QuestionFields form={form} options={options} fixed={annotated ? words.objectFixed : null} />
        <Field label={words.level} fault={faults.level ? words.levelFault : null}>
          <input
            className="input count-input"
            inputMode="decimal"
            value={asked.level}
            onChange={(event) => set("level")(event.target.value)}
          />
        </Field>
        {effect.error ? (
          <ErrorMessage error={effect.error} />
        ) : (
          effect.data && <Effects effect={effect.data} />
        )}
        {change.problem && <ProblemMessage problem={change.problem} />}
        <div className="row">
          <button type="submit" className="button primary" disabled={!isReady || change.busy}>
            {words.go}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {text.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
