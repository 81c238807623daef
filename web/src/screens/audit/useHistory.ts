/** How the estimate narrowed, as seen in this browser while tiles were annotated. */
import { useEffect, useState } from "react";
import type { LiveEstimate } from "../../api/types";

export interface Moment {
  n: number;
  groups: { group: string; estimate: number; low: number; high: number }[];
}

/** Add what is known now; the same number of tiles again replaces what was said before. */
export function remember(history: Moment[], { n_annotated, groups }: LiveEstimate): Moment[] {
  const known = groups.flatMap(({ group, estimate, low, high }) =>
    estimate !== null && low !== null && high !== null ? [{ group, estimate, low, high }] : [],
  );
  if (known.length === 0) return history;
  return [...history.filter(({ n }) => n < n_annotated), { n: n_annotated, groups: known }];
}

function read(key: string): Moment[] {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]") as Moment[];
  } catch {
    return [];
  }
}

export function useHistory(study: string, estimate: LiveEstimate): Moment[] {
  const key = `veriscope/narrowing/${study}`;
  const [history, setHistory] = useState(() => remember(read(key), estimate));
  useEffect(() => {
    const next = remember(read(key), estimate);
    localStorage.setItem(key, JSON.stringify(next));
    setHistory(next);
  }, [key, estimate]);
  return history;
}
