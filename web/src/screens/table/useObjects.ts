/** Rows of the table of objects, fetched in pages as they come into sight. */
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { api, getJson } from "../../api/client";
import { keys } from "../../api/keys";
import type { Cell, ObjectHistogram, ObjectPage } from "../../api/types";

export const PAGE = 200;

function pageQuery(study: string, query: URLSearchParams, page: number) {
  const asked = new URLSearchParams(query);
  asked.set("offset", String(page * PAGE));
  asked.set("limit", String(PAGE));
  return {
    queryKey: keys.of(study, "objects", asked.toString()),
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      getJson<ObjectPage>(`${api("studies", study, "objects")}?${asked}`, signal),
  };
}

/** The first page; what was shown before stays until it is here. */
export const useFirstPage = (study: string, query: URLSearchParams) =>
  useQuery({ ...pageQuery(study, query, 0), placeholderData: keepPreviousData });

/** Rows of the given pages; `rowAt` gives null for one that is on its way. */
export function useRows(
  study: string,
  query: URLSearchParams,
  pages: number[],
): (row: number) => Cell[] | null {
  const found = useQueries({ queries: pages.map((page) => pageQuery(study, query, page)) });
  return (row) => {
    const place = pages.indexOf(Math.floor(row / PAGE));
    return found[place]?.data?.rows[row % PAGE] ?? null;
  };
}

/** What was shown before stays until the next is here; `enabled` says whether to ask for it yet. */
export const useHistogram = (study: string, query: URLSearchParams, column: string, enabled: boolean) => {
  const asked = new URLSearchParams(query);
  asked.delete("sort");
  asked.set("column", column);
  asked.set("bins", "40");
  return useQuery({
    queryKey: keys.of(study, "histogram", asked.toString()),
    queryFn: ({ signal }) =>
      getJson<ObjectHistogram>(`${api("studies", study, "objects", "histogram")}?${asked}`, signal),
    placeholderData: keepPreviousData,
    enabled,
  });
};
