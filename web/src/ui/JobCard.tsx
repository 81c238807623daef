import { cancelJob } from "../api/actions";
import type { Job } from "../api/types";
import { useAction } from "../api/useAction";
import { text } from "../app/strings";
import { duration } from "./format";
import { ProblemMessage } from "./Message";
import { Progress } from "./Progress";

/** A job on its way: stage, how far, how long still, and a button to stop it. */
export function JobCard({ job }: { job: Job }) {
  const cancel = useAction(() => cancelJob(job.id));
  const kind = text.jobs.kinds[job.kind] ?? job.kind;
  // Of one thing that is not done yet it is not known how far it is: "0 of 1" would look like standing still.
  const isKnown = (job.total ?? 0) > 1 || (job.done ?? 0) > 0;
  const total = isKnown && job.total ? job.total : null;
  return (
    <section className="card job-card" aria-label={kind}>
      <div className="body stack">
        <div className="row">
          <strong>{kind}</strong>
          <span className="soft">{job.state === "queued" ? text.jobs.states.queued : job.stage}</span>
          <span className="spacer" />
          <span className="number soft">
            {total !== null && text.count.of(job.done, total)}
            {(job.eta_s ?? 0) >= 1 && ` · ${text.jobs.left(duration(job.eta_s))}`}
          </span>
          <button type="button" className="button small" disabled={cancel.busy} onClick={() => cancel.run()}>
            {text.jobs.cancel}
          </button>
        </div>
        <Progress done={job.done} total={total} label={kind} />
        {cancel.problem && <ProblemMessage problem={cancel.problem} />}
      </div>
    </section>
  );
}
