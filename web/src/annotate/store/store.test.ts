import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JournalEntry } from "../model/journal";
import { MemoryStore, nameOf } from "./memory";
import { JournalSync, Refused, type SyncState } from "./sync";

const line = (seq: number): JournalEntry => ({ seq, at: 0, type: "undo" });

describe("sending the journal", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("goes in order and in batches, and says when all has arrived", async () => {
    const batches: number[][] = [];
    const states: SyncState[] = [];
    const sync = new JournalSync(
      [],
      async (entries) => {
        batches.push(entries.map(({ seq }) => seq));
        return (entries.at(-1)?.seq ?? 0) + 1;
      },
      (state) => states.push(state),
    );
    for (const seq of [0, 1, 2]) sync.push(line(seq));
    await vi.advanceTimersByTimeAsync(1000);
    sync.push(line(3));
    await vi.advanceTimersByTimeAsync(1000);
    expect(batches).toEqual([[0, 1, 2], [3]]);
    expect(sync.unsent).toBe(0);
    expect(states.at(-1)).toBe("sent");
  });

  it("keeps strokes through a lost connection and sends them later, none twice, none lost", async () => {
    let isUp = false;
    const had: number[] = [];
    const sync = new JournalSync(
      [line(0)],
      async (entries) => {
        if (!isUp) throw new TypeError("Failed to fetch");
        had.push(...entries.map(({ seq }) => seq));
        return had.length;
      },
      () => {},
    );
    await vi.advanceTimersByTimeAsync(5000);
    expect(sync.state).toBe("waiting");
    sync.push(line(1));
    sync.push(line(2));
    await vi.advanceTimersByTimeAsync(40_000);
    expect(sync.unsent).toBe(3);
    isUp = true;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(had).toEqual([0, 1, 2]);
    expect(sync.state).toBe("sent");
  });

  it("waits longer after each failure, but at once when told that the connection is back", async () => {
    const send = vi.fn(async () => {
      throw new TypeError("Failed to fetch");
    });
    const sync = new JournalSync([line(0)], send, () => {});
    await vi.advanceTimersByTimeAsync(60_000);
    expect(send.mock.calls.length).toBeLessThan(10);
    const before = send.mock.calls.length;
    await sync.flush();
    expect(send.mock.calls.length).toBe(before + 1);
  });

  it("goes on where the server says it is", async () => {
    const sent: number[][] = [];
    const sync = new JournalSync(
      [line(0), line(1), line(2)],
      async (entries) => {
        sent.push(entries.map(({ seq }) => seq));
        return sent.length === 1 ? 2 : 3;
      },
      () => {},
    );
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toEqual([[0, 1, 2], [2]]);
    expect(sync.unsent).toBe(0);
  });

  it("stops where trying again is no use, and keeps the lines", async () => {
    const send = vi.fn(async () => {
      throw new Refused("not allowed");
    });
    const sync = new JournalSync([line(0)], send, () => {});
    await vi.advanceTimersByTimeAsync(120_000);
    expect(send).toHaveBeenCalledTimes(1);
    expect([sync.state, sync.unsent]).toEqual(["refused", 1]);
  });
});

describe("the store", () => {
  const key = { study: "s", unit: "u", annotator: "a" };
  const record = { client: "c", width: 2, height: 2, etag: null, sent: 0, saved: 0, activeMs: 0 };

  it("gives back what was kept, and starts anew when told", async () => {
    const store = new MemoryStore();
    expect(await store.load(key)).toBeNull();
    await store.begin(key, record, [line(0)]);
    await store.append(key, line(1));
    await store.update(key, { sent: 2 });
    expect(await store.load(key)).toEqual({ record: { ...record, sent: 2 }, entries: [line(0), line(1)] });
    await store.begin(key, record, []);
    expect((await store.load(key))?.entries).toEqual([]);
  });

  it("names tiles so that no two are the same", () => {
    expect(nameOf({ study: "a/b", unit: "c", annotator: "d" })).not.toBe(
      nameOf({ study: "a", unit: "b/c", annotator: "d" }),
    );
  });
});
