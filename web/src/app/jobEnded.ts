/** What happens when a job ends: what it changed is fetched again, and the user is told. */
import { keys } from "../api/keys";
import { queryClient } from "../api/queries";
import type { Job } from "../api/types";
import { useApp } from "./store";
import { text } from "./strings";

export function jobEnded(job: Job): void {
  if (job.state === "queued" || job.state === "running") return;
  if (job.study) void queryClient.invalidateQueries({ queryKey: keys.study(job.study) });
  void queryClient.invalidateQueries({ queryKey: keys.studies() });
  const { notify, notifyProblem } = useApp.getState();
  const kind = text.jobs.kinds[job.kind] ?? job.kind;
  if (job.state === "done") notify({ tone: "good", title: text.jobs.isDone(kind) });
  if (job.state === "cancelled") notify({ tone: "info", title: text.jobs.isCancelled(kind) });
  if (job.state === "failed" && job.problem) notifyProblem(job.problem);
}
