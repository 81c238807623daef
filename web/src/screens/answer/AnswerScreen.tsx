import { startJob } from "../../api/actions";
import { ApiError } from "../../api/client";
import { useAnswer, useJobs, useSession } from "../../api/queries";
import type { Answer, Job, StudyDetail } from "../../api/types";
import { useAction } from "../../api/useAction";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { JobCard } from "../../ui/JobCard";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { Message, ProblemMessage } from "../../ui/Message";
import { ChangeQuestion } from "../question/ChangeQuestion";
import { AgreementCard } from "./AgreementCard";
import { ContrastCard } from "./ContrastCard";
import { EstimateCard } from "./EstimateCard";
import { RankedTilesCard } from "./RankedTilesCard";
import { ReliabilityCard } from "./ReliabilityCard";
import { VerdictCard } from "./VerdictCard";

const words = text.answer;

/** The number that was asked for, what it rests on, and what may be done with it. */
export default function AnswerScreen({ study }: { study: StudyDetail }) {
  const answer = useAnswer(study.id);
  const mayRun = useSession().data?.role === "owner";
  const job = (useJobs().data ?? []).find((one) => isWorkingOut(one, study.id));
  const work = useAction(() => startJob(study.id, { kind: "validate" }));
  const isMissing = answer.error instanceof ApiError && answer.error.status === 409;
  const button = mayRun && !job && (
    <button type="button" className="button primary" disabled={work.busy} onClick={() => work.run()}>
      <Icon name="refresh" /> {isMissing ? words.workOut : words.workOutAgain}
    </button>
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{study.question_form?.text ?? words.title}</h1>
        <span className="spacer" />
        <ChangeQuestion study={study} />
        <Link href={studyPath(study.id, "answer", "table")} className="button">
          <Icon name="table" /> {words.toTable}
        </Link>
      </div>
      {job && <JobCard job={job} />}
      {work.problem && <ProblemMessage problem={work.problem} />}
      {isMissing ? (
        <div className="empty">
          <h2>{words.none}</h2>
          <p>{(answer.error as ApiError).problem.detail}</p>
          {button}
        </div>
      ) : (
        <Loaded query={answer} lines={3}>
          {(known) => (
            <>
              {known.stale && (
                <Message tone="warn" title={words.stale} action={button}>
                  {known.stale_text}
                </Message>
              )}
              <Parts study={study} answer={known} />
            </>
          )}
        </Loaded>
      )}
    </div>
  );
}

function Parts({ study, answer }: { study: StudyDetail; answer: Answer }) {
  return (
    <>
      <VerdictCard study={study.id} verdict={answer.verdict} />
      <EstimateCard study={study} estimate={answer.estimate} />
      {answer.estimate.contrasts.length > 0 && <ContrastCard estimate={answer.estimate} />}
      <AgreementCard study={study} answer={answer} />
      <ReliabilityCard answer={answer} />
      <RankedTilesCard study={study} />
    </>
  );
}

function isWorkingOut(job: Job, study: string): boolean {
  return (
    job.study === study && job.kind === "validate" && (job.state === "running" || job.state === "queued")
  );
}
