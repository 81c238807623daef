import { useAudit, useJobs, useNetworks } from "../../api/queries";
import type { StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { JobCard } from "../../ui/JobCard";
import { Loaded } from "../../ui/Loaded";
import { ProblemMessage } from "../../ui/Message";
import { NetworkCard } from "./NetworkCard";
import { TrainForm } from "./TrainForm";
import { TrainingTiles } from "./TrainingTiles";

const words = text.train;

/** Training tiles, how to train, how it goes, and what each training gave. */
export default function TrainScreen({ study }: { study: StudyDetail }) {
  const audit = useAudit(study.id);
  const jobs = (useJobs().data ?? []).filter((job) => job.study === study.id && job.kind === "train");
  const active = jobs.filter(({ state }) => state === "running" || state === "queued");
  const isLive = active.some(({ state }) => state === "running");
  const networks = useNetworks(study.id, isLive).data ?? [];
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
      {active.length === 0 && last?.problem && <ProblemMessage problem={last.problem} />}
      {networks
        .filter(({ finished }) => !finished)
        .map((network, place) => (
          <NetworkCard key={network.name} study={study.id} network={network} live={isLive && place === 0} />
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
      {networks
        .filter(({ finished }) => finished)
        .map((network) => (
          <NetworkCard key={network.name} study={study.id} network={network} live={false} />
        ))}
    </div>
  );
}
