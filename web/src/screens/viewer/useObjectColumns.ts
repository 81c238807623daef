/** Which measured columns each candidate has, for colouring objects. */
import { useQueries } from "@tanstack/react-query";
import { api, getJson } from "../../api/client";
import { keys } from "../../api/keys";
import type { ObjectColumn, ObjectPage } from "../../api/types";

/** Columns that hold numbers worth colouring by. */
export function isMeasured({ name, type }: ObjectColumn): boolean {
  return type === "number" && name !== "label" && !name.startsWith("bbox-");
}

export function useObjectColumns(study: string, candidates: string[]): Record<string, ObjectColumn[]> {
  return useQueries({
    queries: candidates.map((candidate) => ({
      queryKey: keys.of(study, "objects", candidate, "columns"),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        getJson<ObjectPage>(
          `${api("studies", study, "objects")}?candidate=${encodeURIComponent(candidate)}&limit=1`,
          signal,
        ),
    })),
    combine: (pages) =>
      Object.fromEntries(
        candidates.map((candidate, at) => [candidate, (pages[at]?.data?.columns ?? []).filter(isMeasured)]),
      ),
  });
}
