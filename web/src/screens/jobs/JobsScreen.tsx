import { useJobs, useStudies } from "../../api/queries";
import type { Job } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { duration, moment } from "../../ui/format";
import { JobCard } from "../../ui/JobCard";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { ProblemMessage } from "../../ui/Message";

const words = text.jobs;
const TONE: Record<Job["state"], string> = {
  queued: "",
  running: "info",
  done: "good",
  failed: "bad",
  cancelled: "warn",
};

/** What runs and what has run; a failure says why and what to do. */
export default function JobsScreen() {
  const jobs = useJobs();
  return (
    <div className="page">
      <h1>{words.title}</h1>
      <Loaded query={jobs}>
        {(all) => {
          const active = all.filter(({ state }) => state === "running" || state === "queued");
          const over = all.filter(({ state }) => state !== "running" && state !== "queued");
          return (
            <>
              {active.map((job) => (
                <JobCard key={job.id} job={job} />
              ))}
              {all.length === 0 && <p className="empty">{words.none}</p>}
              {over.length > 0 && <JobTable jobs={over} />}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function JobTable({ jobs }: { jobs: Job[] }) {
  const studies = useStudies().data?.studies ?? [];
  const nameOf = (id: string) => studies.find((study) => study.id === id)?.name ?? id;
  return (
    <Card>
      <table className="table">
        <thead>
          <tr>
            <th>{words.what}</th>
            <th>{words.study}</th>
            <th>{words.state}</th>
            <th>{words.begun}</th>
            <th className="number">{words.took}</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              <td>
                {words.kinds[job.kind] ?? job.kind}
                {job.attempts > 1 && <span className="faint"> · {words.attempts(job.attempts)}</span>}
              </td>
              <td>{job.study && <Link href={studyPath(job.study)}>{nameOf(job.study)}</Link>}</td>
              <td>
                <span className={`chip ${TONE[job.state]}`}>{words.states[job.state]}</span>
                {job.problem && <ProblemMessage problem={job.problem} />}
              </td>
              <td>{moment(job.started ?? job.submitted)}</td>
              <td className="number">{duration(spent(job))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function spent(job: Job): number | null {
  if (!job.started || !job.finished) return null;
  return (Date.parse(job.finished) - Date.parse(job.started)) / 1000;
}
