/** One thing that the user does and the server carries out: busy, then done or a problem in place. */
import { useCallback, useState } from "react";
import { problemOf } from "./client";
import type { Problem } from "./types";

export function useAction<Given extends unknown[], Result>(
  work: (...given: Given) => Promise<Result>,
  onDone?: (result: Result) => void,
) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const run = useCallback(
    async (...given: Given) => {
      setBusy(true);
      setProblem(null);
      try {
        const result = await work(...given);
        onDone?.(result);
        return result;
      } catch (error) {
        setProblem(problemOf(error));
        return undefined;
      } finally {
        setBusy(false);
      }
    },
    [work, onDone],
  );
  return { run, busy, problem, clear: () => setProblem(null) };
}
