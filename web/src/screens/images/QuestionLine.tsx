import type { StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { percent } from "../../ui/format";
import { ChangeQuestion } from "../question/ChangeQuestion";

const words = text.images;

/** The study's question and what it rests on, at the head of its first screen. */
export function QuestionLine({ study }: { study: StudyDetail }) {
  const question = study.question_form;
  if (!question) return <h1>{study.name}</h1>;
  const { tolerance, level } = question;
  const groups = study.groups.map(({ group, n_images, n_replicates }) =>
    words.group(group, n_images, n_replicates),
  );
  return (
    <div className="page-head">
      <h1>{question.text}</h1>
      <span className="spacer" />
      <span className="chip">
        {tolerance === null ? words.noTolerance : words.tolerance(percent(tolerance))}
      </span>
      <span className="chip">{words.level(percent(level))}</span>
      <span className={`chip${study.calibrated ? "" : " warn"}`}>
        {study.calibrated ? words.calibrated : words.uncalibrated}
      </span>
      <ChangeQuestion study={study} />
      <p>{groups.join(" · ")}</p>
    </div>
  );
}
