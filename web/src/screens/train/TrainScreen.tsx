import { useAudit, useJobs } from "../../api/queries";
import type { Job, StudyDetail } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { JobCard } from "../../ui/JobCard";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { ProblemMessage } from "../../ui/Message";
import { TrainForm } from "./TrainForm";
import { TrainingTiles } from "./TrainingTiles";

const words = text.train;

/** Training tiles, how to train, and what the last training gave. */
export default function TrainScreen({ study }: { study: StudyDetail }) {
  const audit = useAudit(study.id);
  const jobs = (useJobs().data ?? []).filter((job) => job.study === study.id && job.kind === "train");
  const active = jobs.filter(({ state }) => state === "running" || state === "queued");
  const last = jobs.find(({ state }) => state === "done" || state === "failed");
  return (
    <div className="page narrow">
      <div className="page-head">
        <h1>{words.title}</h1>
        <p>{words.lead}</p>
      </div>
      {active.map((job) => (
        <JobCard key={job.id} job={job} />
      ))}
      <Loaded query={audit} lines={2}>
        {(known) => (
          <>
            <TrainingTiles study={study.id} audit={known} />
            {active.length === 0 && (
              <TrainForm study={study.id} ready={(known.roles.training?.n_annotated ?? 0) > 0} />
            )}
          </>
        )}
      </Loaded>
      {last && <LastTraining study={study.id} job={last} />}
    </div>
  );
}

function LastTraining({ study, job }: { study: string; job: Job }) {
  if (job.problem) return <ProblemMessage problem={job.problem} />;
  const { candidate, comparison } = job.result ?? {};
  const sentence = (comparison as { sentence?: unknown } | null | undefined)?.sentence;
  return (
    <Card title={words.result}>
      <div className="stack">
        {typeof candidate === "string" && <p>{words.newCandidate(candidate)}</p>}
        {typeof sentence === "string" && <p className="soft">{sentence}</p>}
        <p>
          <Link href={studyPath(study, "candidates")} className="button">
            {words.toCandidates}
          </Link>
        </p>
      </div>
    </Card>
  );
}
