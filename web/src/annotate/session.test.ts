import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import { type AnnotationApi, fromLine, type SavedAnnotation, type SaveRequest, toLine } from "./api";
import { ActiveClock, IDLE_MS } from "./clock";
import type { JournalEntry } from "./model/journal";
import { type Box, isEmpty, union } from "./model/labels";
import { paint } from "./model/operations";
import { openTile } from "./openTile";
import { MemoryStore } from "./store/memory";
import type { TileSession } from "./tileSession";

const key = { study: "s", unit: "u", annotator: "ana" };
const size = { width: 8, height: 8 };
const about = { origin: [0, 0] as const, blind: true, proposal: null };

/** A server as the contract has it, in memory. */
class FakeServer {
  version = 0;
  saved: SavedAnnotation | null = null;
  lines: JournalEntry[] = [];
  isUp = true;

  api(): AnnotationApi {
    const answer =
      <T>(give: () => T) =>
      async () => {
        if (!this.isUp)
          throw new ApiError({ type: "about:blank", title: "", status: 0, detail: "", action: "" });
        return give();
      };
    return {
      annotation: answer(() => this.saved),
      journal: answer(() => this.lines),
      append: async (_: string, entries: readonly JournalEntry[]) => {
        await answer(() => null)();
        this.lines.push(...entries.filter(({ seq }) => seq >= this.lines.length));
        return this.lines.length;
      },
      save: async (request: SaveRequest) => {
        await answer(() => null)();
        if (request.etag !== (this.saved?.etag ?? null)) {
          throw new ApiError({ type: "about:blank", title: "", status: 412, detail: "changed", action: "" });
        }
        return this.write(request.data.slice());
      },
    } as unknown as AnnotationApi;
  }

  write(data: Int32Array) {
    this.version += 1;
    this.saved = { ...size, data, etag: `"v${this.version}"` };
    return { version: this.version, etag: this.saved.etag, n_objects: 1, changed: true };
  }
}

function stroke(session: TileSession, x: number): void {
  const at = { x, y: 1 };
  const label = session.document.freshLabel();
  paint(session.recorder, { from: at, to: at, radius: 1, label, overwrite: "everything" });
  session.commitStroke("brush", false);
}

describe("a tile", () => {
  let server: FakeServer;
  let store: MemoryStore;
  beforeEach(() => {
    server = new FakeServer();
    store = new MemoryStore();
  });
  const open = async (at = store) => openTile(key, size, server.api(), at);

  it("goes on after a reload, with undo, though nothing was saved or sent", async () => {
    const { session } = await open();
    server.isUp = false;
    stroke(session, 2);
    stroke(session, 6);
    server.isUp = true;
    const again = await open();
    expect(again.origin).toBe("this browser");
    expect(again.session.document.labels.data).toEqual(session.document.labels.data);
    again.session.undo();
    again.session.undo();
    expect(again.session.document.objects()).toEqual([]);
    again.session.redo();
    expect(again.session.document.objects()).toHaveLength(1);
  });

  it("goes on in another browser from the server's journal", async () => {
    const { session } = await open();
    stroke(session, 2);
    await session.flush();
    const elsewhere = await open(new MemoryStore());
    expect(elsewhere.origin).toBe("journal on the server");
    expect(elsewhere.session.document.labels.data).toEqual(session.document.labels.data);
    expect(elsewhere.session.document.canUndo).toBe(true);
  });

  it("opens the saved version where this browser knows nothing, and that cannot be undone", async () => {
    server.write(new Int32Array(64).fill(3));
    const { session, origin } = await open();
    expect(origin).toBe("saved version");
    expect(session.document.objects()).toEqual([3]);
    expect(session.document.canUndo).toBe(false);
    expect(session.isUnsaved).toBe(false);
  });

  it("knows what is not saved yet, and undo reaches back over a save", async () => {
    const { session } = await open();
    expect(session.isUnsaved).toBe(false);
    stroke(session, 2);
    expect(session.isUnsaved).toBe(true);
    await session.save(about);
    expect(session.isUnsaved).toBe(false);
    session.undo();
    expect(session.isUnsaved).toBe(true);
    expect(session.document.objects()).toEqual([]);
  });

  it("saved meanwhile by somebody else keeps both, and a person decides", async () => {
    const { session } = await open();
    stroke(session, 2);
    const mine = session.document.labels.data.slice();
    server.write(new Int32Array(64).fill(9));
    expect(await session.save(about)).toBeNull();
    expect(session.conflict?.theirs.data[0]).toBe(9);
    expect(session.document.labels.data).toEqual(mine);
    const saved = await session.save(about, session.conflict?.theirs.etag);
    expect(saved?.version).toBe(2);
    expect(server.saved?.data).toEqual(mine);
    expect(session.conflict).toBeNull();
  });

  it("can go on with the other version, and what was drawn is one undo away", async () => {
    const { session } = await open();
    stroke(session, 2);
    const mine = session.document.labels.data.slice();
    server.write(new Int32Array(64).fill(9));
    await session.save(about);
    session.takeTheirs();
    expect(session.document.objects()).toEqual([9]);
    session.undo();
    expect(session.document.labels.data).toEqual(mine);
  });

  it("with unsaved strokes and a newer version on the server says so when it opens", async () => {
    const { session } = await open();
    stroke(session, 2);
    server.write(new Int32Array(64).fill(9));
    const again = await open();
    expect(again.session.conflict?.theirs.data[0]).toBe(9);
    expect(again.session.document.objects()).toHaveLength(1);
  });

  it("without unsaved strokes simply opens the newer version", async () => {
    const { session } = await open();
    stroke(session, 2);
    await session.save(about);
    server.write(new Int32Array(64).fill(9));
    const again = await open();
    expect([again.origin, again.session.conflict]).toEqual(["saved version", null]);
    expect(again.session.document.objects()).toEqual([9]);
  });

  it("says when this browser keeps nothing, and still sends", async () => {
    vi.spyOn(store, "append").mockRejectedValue(new Error("quota exceeded"));
    const { session } = await open();
    stroke(session, 2);
    await session.flush();
    expect(session.storageFault).toBe("quota exceeded");
    expect(server.lines).toHaveLength(1);
  });

  it("shows proposals as such until they are decided on", async () => {
    const { session } = await open();
    const data = new Int32Array(64);
    data.fill(1, 0, 8);
    data.fill(2, 16, 24);
    session.note("proposals-shown", { candidate: "otsu" });
    session.replace("propose", data, "proposed", true);
    session.setStatus("accept", [1], "accepted");
    expect(Object.fromEntries(session.document.status)).toEqual({ 1: "accepted", 2: "proposed" });
    const again = await open();
    expect(again.session.document.shownProposal).toBe("otsu");
    expect(again.session.document.status.get(2)).toBe("proposed");
  });

  it("tells views of all pixels that look another way, and of no others", async () => {
    const { session } = await open();
    const data = new Int32Array(64);
    data.fill(1, 0, 8);
    data.fill(2, 16, 24);
    session.replace("propose", data, "proposed", true);
    const painted: Box[] = [];
    const took = () => painted.splice(0);
    session.onPaint((box) => painted.push(box));
    session.setStatus("accept", [1], "accepted");
    expect(took().filter((box) => !isEmpty(box))).toEqual([{ x0: 0, y0: 0, x1: 8, y1: 1 }]);
    session.undo();
    expect(took().reduce(union)).toEqual({ x0: 0, y0: 0, x1: 8, y1: 8 });
    // A stroke on a proposal corrects it: all of it looks another way, the other object does not.
    session.recorder.set(24, 2);
    session.commitStroke("brush", false);
    expect(took()).toEqual([{ x0: 0, y0: 2, x1: 8, y1: 4 }]);
    session.recorder.set(25, 2);
    session.commitStroke("brush", true);
    expect(took()).toEqual([]);
  });
});

describe("lines on their way to the server", () => {
  it("come back as they went, counted from 1 there", () => {
    const entry: JournalEntry = {
      seq: 4,
      at: 1_700_000_000_123,
      type: "note",
      note: "opened",
      detail: { z: 1 },
    };
    const line = toLine(entry);
    expect([line.seq, line.kind, line.time]).toEqual([5, "note", "2023-11-14T22:13:20.123Z"]);
    expect(fromLine(JSON.parse(JSON.stringify(line)))).toEqual(entry);
  });
});

describe("the clock", () => {
  it("counts from action to action, pauses at most a minute, and not while hidden", () => {
    let now = 0;
    const clock = new ActiveClock(500, () => now);
    clock.touch();
    now = 2000;
    clock.touch();
    now += 10 * IDLE_MS;
    clock.touch();
    clock.pause();
    now += 5000;
    clock.touch();
    now += 1000;
    clock.touch();
    expect(clock.activeMs).toBe(500 + 2000 + IDLE_MS + 1000);
    clock.reset();
    expect(clock.activeMs).toBe(0);
  });
});
