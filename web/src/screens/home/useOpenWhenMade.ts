/** Opens a study as soon as the job that makes it is done. */
import { useCallback, useEffect, useState } from "react";
import { useJobs } from "../../api/queries";
import { navigate, studyPath } from "../../app/routes";

export function useOpenWhenMade(): (job: string) => void {
  const [awaited, setAwaited] = useState<string | null>(null);
  const jobs = useJobs().data;
  const job = jobs?.find(({ id }) => id === awaited);
  const made = job?.state === "done" ? job.study : null;
  const isDemo = job?.kind === "demo";
  useEffect(() => {
    if (made) navigate(studyPath(made, isDemo ? "answer" : "images"));
  }, [made, isDemo]);
  return useCallback((id: string) => setAwaited(id), []);
}
