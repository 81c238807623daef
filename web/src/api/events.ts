/** Changes on the server as they happen: jobs are written into the cache, the rest is fetched again. */
import type { QueryClient } from "@tanstack/react-query";
import { useApp } from "../app/store";
import { send } from "./client";
import { keys } from "./keys";
import type { Job } from "./types";

interface StudyChange {
  study: string;
  what: string;
}

const SHORTEST_WAIT = 800;
const LONGEST_WAIT = 10_000;
/** A page that nobody sees gives its stream back after so long. */
const HIDDEN_FOR = 5_000;

/** Put a job in its place: newest first, known ones replaced. */
export function mergeJob(jobs: Job[] | undefined, job: Job): Job[] {
  const known = jobs ?? [];
  return known.some(({ id }) => id === job.id)
    ? known.map((old) => (old.id === job.id ? job : old))
    : [job, ...known];
}

/**
 * Listen until the returned function is called; a broken line is opened again with growing pauses. A page that is
 * hidden, or left for another, rests: browsers open six lines to a server for all tabs together, and a stream
 * that nobody follows would keep one of them from the others.
 */
export function listen(client: QueryClient, onJob: (job: Job) => void): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let resting: ReturnType<typeof setTimeout> | undefined;
  let wait = SHORTEST_WAIT;
  let broken = false;
  let ended = false;

  /** Ask before opening anew: a stream does not say why it was refused, and who is signed out must sign in. */
  function later(): void {
    timer = setTimeout(() => {
      send("/api/jobs?active=true").then(
        () => ended || open(),
        () => ended || later(),
      );
    }, wait);
    wait = Math.min(LONGEST_WAIT, wait * 1.6);
  }

  function open(): void {
    source = new EventSource("/api/events");
    source.onopen = () => {
      wait = SHORTEST_WAIT;
      useApp.getState().setConnection("ok");
      if (broken) void client.invalidateQueries();
      broken = false;
    };
    source.onerror = () => {
      source?.close();
      broken = true;
      useApp.getState().setConnection("lost");
      later();
    };
    source.addEventListener("jobs", (event) => {
      client.setQueryData(keys.jobs(), JSON.parse(event.data) as Job[]);
    });
    source.addEventListener("job", (event) => {
      const job = JSON.parse(event.data) as Job;
      client.setQueryData<Job[]>(keys.jobs(), (jobs) => mergeJob(jobs, job));
      onJob(job);
    });
    source.addEventListener("study", (event) => {
      const { study } = JSON.parse(event.data) as StudyChange;
      void client.invalidateQueries({ queryKey: keys.study(study) });
      void client.invalidateQueries({ queryKey: keys.studies(), exact: true });
    });
  }

  function rest(): void {
    clearTimeout(timer);
    source?.close();
    source = null;
    broken = true; // what was missed is fetched when the page is seen again
  }

  function wake(): void {
    clearTimeout(resting);
    if (source === null) open();
  }

  function look(): void {
    if (document.visibilityState === "visible") wake();
    else resting = setTimeout(rest, HIDDEN_FOR);
  }

  open();
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", wake);
  return () => {
    ended = true;
    clearTimeout(timer);
    clearTimeout(resting);
    source?.close();
    document.removeEventListener("visibilitychange", look);
    window.removeEventListener("pagehide", rest);
    window.removeEventListener("pageshow", wake);
  };
}
