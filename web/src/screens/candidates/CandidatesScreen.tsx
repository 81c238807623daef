import { useState } from "react";
import { startJob } from "../../api/actions";
import { useCandidates, useJobs, useSession } from "../../api/queries";
import type { CandidateRow, StudyDetail } from "../../api/types";
import { useAction } from "../../api/useAction";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { JobCard } from "../../ui/JobCard";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { ProblemMessage } from "../../ui/Message";
import { CandidateCard } from "./CandidateCard";
import { CompareStrip } from "./CompareStrip";
import { OtherMethods } from "./OtherMethods";

const words = text.candidates;

/** Methods that compete on the study's own images: run them, see what they find, side by side. */
export default function CandidatesScreen({ study }: { study: StudyDetail }) {
  const candidates = useCandidates(study.id);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{words.title}</h1>
        <p>{words.lead}</p>
        {study.question_form && (
          <p className="soft small">{words.suited(study.question_form.object, study.modalities)}</p>
        )}
      </div>
      <Loaded query={candidates} lines={3}>
        {(rows) => <Content study={study} rows={rows} />}
      </Loaded>
    </div>
  );
}

/** Ranked ones first, the others as the study lists them. */
function byRank(a: CandidateRow, b: CandidateRow): number {
  return (a.rank ?? Number.MAX_SAFE_INTEGER) - (b.rank ?? Number.MAX_SAFE_INTEGER);
}

function Content({ study, rows }: { study: StudyDetail; rows: CandidateRow[] }) {
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const mayRun = useSession().data?.role === "owner";
  const run = useAction((only: string[]) => startJob(study.id, { kind: "run", only }));
  const active = (useJobs().data ?? []).filter(
    (job) =>
      job.study === study.id &&
      (job.kind === "run" || job.kind === "train") &&
      (job.state === "running" || job.state === "queued"),
  );
  const ran = rows.filter(({ n_images_done }) => n_images_done > 0);
  const open = rows.filter(({ state }) => state !== "current" && state !== "unavailable");
  const chosen = open.filter(({ id }) => !left.has(id)).map(({ id }) => id);
  const toggle = (id: string) => {
    const next = new Set(left);
    if (!next.delete(id)) next.add(id);
    setLeft(next);
  };

  return (
    <>
      {mayRun && active.length === 0 && open.length > 0 && (
        <div className="row">
          <button
            type="button"
            className={`button primary${ran.length ? "" : " big"}`}
            disabled={chosen.length === 0 || run.busy}
            onClick={() => run.run(chosen)}
          >
            <Icon name="play" /> {words.run(chosen.length, study.n_images)}
          </button>
          <span className="faint">{words.runHint}</span>
        </div>
      )}
      {run.problem && <ProblemMessage problem={run.problem} />}
      {active.map((job) => (
        <JobCard key={job.id} job={job} />
      ))}
      <div className="candidate-grid">
        {[...rows].sort(byRank).map((row) => (
          <CandidateCard
            key={row.id}
            row={row}
            chosen={mayRun && open.includes(row) && active.length === 0 ? !left.has(row.id) : null}
            onToggle={() => toggle(row.id)}
          />
        ))}
      </div>
      <OtherMethods study={study.id} />
      {ran.length > 0 && <CompareStrip study={study} ran={ran.map(({ id }) => id)} />}
      {ran.length > 0 && (
        <p>
          <Link href={studyPath(study.id, "answer", "table")}>{words.toTable}</Link>
        </p>
      )}
    </>
  );
}
