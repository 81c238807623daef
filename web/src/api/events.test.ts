import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useApp } from "../app/store";
import { listen, mergeJob } from "./events";
import { keys } from "./keys";
import type { Job } from "./types";

const job = (id: string, done = 0) => ({ id, done }) as Job;

test("a new job comes first, a known one stays in its place", () => {
  const two = mergeJob([job("a")], job("b"));
  expect(two.map(({ id }) => id)).toEqual(["b", "a"]);
  expect(mergeJob(two, job("a", 5)).map(({ id, done }) => [id, done])).toEqual([
    ["b", 0],
    ["a", 5],
  ]);
});

test("the first job of all", () => {
  expect(mergeJob(undefined, job("a"))).toHaveLength(1);
});

class Stream {
  static all: Stream[] = [];
  onopen = () => {};
  onerror = () => {};
  closed = false;
  listeners: Record<string, (event: { data: string }) => void> = {};
  constructor(readonly url: string) {
    Stream.all.push(this);
  }
  addEventListener(name: string, heard: (event: { data: string }) => void) {
    this.listeners[name] = heard;
  }
  say(name: string, data: unknown) {
    this.listeners[name]?.({ data: JSON.stringify(data) });
  }
  close() {
    this.closed = true;
  }
}

const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.useFakeTimers();
  Stream.all = [];
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("fetch", fetched);
  fetched.mockReset();
  useApp.setState({ signedOut: false, connection: "ok" });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("jobs are written into the cache, and a changed study is fetched again", () => {
  const client = new QueryClient();
  const again = vi.spyOn(client, "invalidateQueries");
  const told: string[] = [];
  const stop = listen(client, ({ id }) => told.push(id));
  Stream.all[0]?.say("jobs", [job("a")]);
  Stream.all[0]?.say("job", job("b", 2));
  expect(client.getQueryData<Job[]>(keys.jobs())?.map(({ id }) => id)).toEqual(["b", "a"]);
  expect(told).toEqual(["b"]);
  Stream.all[0]?.say("study", { study: "small", what: "audit" });
  expect(again).toHaveBeenCalledWith({ queryKey: keys.study("small") });
  stop();
  expect(Stream.all[0]?.closed).toBe(true);
});

test("a broken line is opened again once the server answers", async () => {
  fetched.mockRejectedValueOnce(new TypeError("down")).mockResolvedValue(new Response("[]"));
  const client = new QueryClient();
  const again = vi.spyOn(client, "invalidateQueries");
  const stop = listen(client, () => {});
  Stream.all[0]?.onerror();
  expect(useApp.getState().connection).toBe("lost");
  await vi.advanceTimersByTimeAsync(1000);
  expect(Stream.all).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2000);
  expect(Stream.all).toHaveLength(2);
  Stream.all[1]?.onopen();
  expect(useApp.getState().connection).toBe("ok");
  expect(again).toHaveBeenCalledTimes(1);
  stop();
});

test("who was signed out elsewhere is asked to sign in, and no stream is opened any more", async () => {
  fetched.mockImplementation(() => Promise.resolve(new Response("{}", { status: 401 })));
  const stop = listen(new QueryClient(), () => {});
  Stream.all[0]?.onerror();
  await vi.advanceTimersByTimeAsync(1000);
  expect(useApp.getState().signedOut).toBe(true);
  stop(); // what the page to sign in does
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Stream.all).toHaveLength(1);
  expect(fetched).toHaveBeenCalledTimes(1);
});

function seen(state: "visible" | "hidden") {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
  document.dispatchEvent(new Event("visibilitychange"));
}

test("a page that is hidden for long gives its stream back, and fetches what it missed", async () => {
  const client = new QueryClient();
  const again = vi.spyOn(client, "invalidateQueries");
  const stop = listen(client, () => {});
  seen("hidden");
  await vi.advanceTimersByTimeAsync(1000);
  seen("visible");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Stream.all.map(({ closed }) => closed)).toEqual([false]);
  seen("hidden");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Stream.all.map(({ closed }) => closed)).toEqual([true]);
  seen("visible");
  expect(Stream.all.map(({ closed }) => closed)).toEqual([true, false]);
  Stream.all[1]?.onopen();
  expect(again).toHaveBeenCalledTimes(1);
  stop();
  seen("hidden");
  seen("visible");
  expect(Stream.all).toHaveLength(2);
});

test("a page that is left holds no stream, and one that is come back to has one", () => {
  const stop = listen(new QueryClient(), () => {});
  window.dispatchEvent(new Event("pageshow"));
  expect(Stream.all).toHaveLength(1);
  window.dispatchEvent(new Event("pagehide"));
  expect(Stream.all.map(({ closed }) => closed)).toEqual([true]);
  window.dispatchEvent(new Event("pageshow"));
  expect(Stream.all.map(({ closed }) => closed)).toEqual([true, false]);
  stop();
});

test("a broken line of a page that is left is not opened again behind it", async () => {
  fetched.mockResolvedValue(new Response("[]"));
  const stop = listen(new QueryClient(), () => {});
  Stream.all[0]?.onerror();
  window.dispatchEvent(new Event("pagehide"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Stream.all).toHaveLength(1);
  expect(fetched).not.toHaveBeenCalled();
  stop();
});
