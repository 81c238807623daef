import { beforeEach, describe, expect, it } from "vitest";
import type { SegmentedObject, SegmentRequest } from "../../api/types";
import type { AnnotationApi, SaveRequest } from "../api";
import { openTile } from "../openTile";
import { MemoryStore } from "../store/memory";
import type { TileSession } from "../tileSession";
import { Prompting, placesOf } from "./prompting";

const MODEL = "segmenter:tiny";
const size = { width: 8, height: 8 };

/** Questions as they come, each answered when the test says so. */
class Questions {
  readonly all: {
    request: SegmentRequest;
    signal: AbortSignal;
    answer: (runs: number[]) => void;
    fail: () => void;
  }[] = [];

  readonly ask = (request: SegmentRequest, signal: AbortSignal) =>
    new Promise<SegmentedObject>((resolve, reject) => {
      const rest = { segmenter: request.segmenter, sha256: "ab", evidence: "untested" as const };
      this.all.push({
        request,
        signal,
        answer: (runs) =>
          resolve({ ...rest, runs, area: placesOf(runs).length, quality: runs.length > 0 ? 0.9 : null }),
        fail: () => reject(new Error("no connection")),
      });
    });

  get last() {
    return this.all.at(-1) as (typeof this.all)[number];
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("an object that is pointed at", () => {
  let session: TileSession;
  let store: MemoryStore;
  let questions: Questions;
  let prompting: Prompting;
  let saved: SaveRequest[];
  const api = () =>
    ({
      annotation: async () => null,
      journal: async () => [],
      append: async (_: string, entries: readonly unknown[]) => entries.length,
      save: async (request: SaveRequest) => {
        saved.push(request);
        return { version: 1, etag: '"v1"', n_objects: 1, changed: true };
      },
    }) as unknown as AnnotationApi;
  const reopen = () => openTile({ study: "s", unit: "u", annotator: "a" }, size, api(), store);

  beforeEach(async () => {
    saved = [];
    store = new MemoryStore();
    ({ session } = await reopen());
    questions = new Questions();
    prompting = new Prompting(session, questions.ask, () => [0, 2]);
  });

  async function click(x: number, y: number, runs: number[], inside = true) {
    prompting.point({ x, y }, inside);
    questions.last.answer(runs);
    await settled();
  }

  it("is asked of the chosen model, after the tile was read", async () => {
    expect(prompting.isReady).toBe(false);
    prompting.use(MODEL);
    expect([prompting.isReady, prompting.getState().waits]).toEqual([true, true]);
    expect(questions.last.request).toEqual({ segmenter: MODEL, channels: [0, 2], points: [], box: null });
    questions.last.answer([]);
    await settled();
    expect([prompting.isOpen, prompting.getState().waits]).toEqual([false, false]);
    await click(3, 2, [18, 3, 26, 3]);
    expect(questions.last.request.points).toEqual([{ x: 3, y: 2, inside: true }]);
    expect([...prompting.getState().places]).toEqual([18, 19, 20, 26, 27, 28]);
    expect([prompting.getState().quality, session.document.objects()]).toEqual([0.9, []]);
  });

  it("becomes one object in one step, and the journal says where it came from", async () => {
    prompting.use(MODEL);
    await click(3, 2, [18, 3]);
    await click(6, 6, [18, 2], false);
    prompting.frame({ x0: 1, y0: 1, x1: 5.5, y1: 6 });
    questions.last.answer([18, 2, 26, 2]);
    await settled();
    expect(await prompting.accept()).toBe(1);
    expect([prompting.isOpen, session.document.sizeOf(1)]).toEqual([false, 4]);
    expect(session.document.status.get(1)).toBe("accepted");
    const again = (await reopen()).session;
    expect(again.document.labels.data).toEqual(session.document.labels.data);
    expect([...again.document.segmenters]).toEqual([MODEL]);
    session.undo();
    expect(session.document.objects()).toEqual([]);
    session.redo();
    expect(session.document.sizeOf(1)).toBe(4);
    const kept = (await store.load({ study: "s", unit: "u", annotator: "a" }))?.entries;
    expect(kept?.find((entry) => entry.type === "note" && entry.note === "model-outline")).toMatchObject({
      detail: {
        segmenter: MODEL,
        sha256: "ab",
        label: 1,
        points: "[[2,3,true],[6,6,false]]",
        box: "[1,1,6,5.5]",
        quality: 0.9,
      },
    });
  });

  it("that is corrected counts as corrected, and the version names the model", async () => {
    prompting.use(MODEL);
    await click(3, 2, [18, 3]);
    await prompting.accept();
    session.recorder.set(21, 1);
    session.commitStroke("brush", false);
    expect(session.document.status.get(1)).toBe("corrected");
    await session.save({ origin: [0, 0], blind: false, proposal: null });
    expect(saved[0]?.segmenters).toEqual([MODEL]);
  });

  it("takes no pixel of other objects", async () => {
    session.recorder.set(18, 5);
    session.commitStroke("brush", false);
    prompting.use(MODEL);
    await click(3, 2, [18, 3]);
    const label = (await prompting.accept()) as number;
    expect([session.document.sizeOf(5), session.document.sizeOf(label)]).toEqual([1, 2]);
    await click(3, 2, [18, 3]);
    expect(await prompting.accept()).toBeNull();
    expect(prompting.isOpen).toBe(true);
  });

  it("is asked for again with every click, and only the newest answer counts", async () => {
    prompting.use(MODEL);
    prompting.point({ x: 1, y: 1 }, true);
    const first = questions.last;
    prompting.point({ x: 2, y: 1 }, true);
    expect([first.signal.aborted, questions.last.signal.aborted]).toEqual([true, false]);
    questions.last.answer([9, 2]);
    first.answer([40, 9]);
    await settled();
    expect([...prompting.getState().places]).toEqual([9, 10]);
  });

  it("can be accepted before its answer is here", async () => {
    prompting.use(MODEL);
    prompting.point({ x: 1, y: 1 }, true);
    const accepted = prompting.accept();
    expect(session.document.objects()).toEqual([]);
    questions.last.answer([9, 2]);
    expect(await accepted).toBe(1);
    expect(session.document.sizeOf(1)).toBe(2);
  });

  it("is given up without a trace in the labels", async () => {
    prompting.use(MODEL);
    prompting.point({ x: 1, y: 1 }, true);
    const accepted = prompting.accept();
    prompting.cancel();
    questions.last.answer([9, 2]);
    expect(await accepted).toBeNull();
    await settled();
    expect([prompting.isOpen, prompting.getState().places.length, session.document.lastEdit]).toEqual([
      false,
      0,
      -1,
    ]);
  });

  it("goes back click by click", async () => {
    prompting.use(MODEL);
    expect(prompting.point({ x: 1, y: 1 }, false)).toBe(false); // outside of what?
    await click(1, 1, [9, 1]);
    await click(5, 5, [9, 1], false);
    prompting.stepBack();
    expect(prompting.getState().points).toEqual([{ x: 1, y: 1, inside: true }]);
    prompting.stepBack();
    expect(prompting.isOpen).toBe(false);
    prompting.frame({ x0: 0, y0: 0, x1: 3, y1: 3 });
    prompting.stepBack();
    expect(prompting.isOpen).toBe(false);
  });

  it("keeps the clicks when the server cannot answer, and asks with them again", async () => {
    prompting.use(MODEL);
    prompting.point({ x: 1, y: 1 }, true);
    questions.last.fail();
    await settled();
    expect(prompting.getState().problem?.detail).toBe("no connection");
    expect(prompting.isOpen).toBe(true);
    await click(2, 1, [9, 2]);
    expect(questions.last.request.points).toHaveLength(2);
    expect([prompting.getState().problem, prompting.getState().places.length]).toEqual([null, 2]);
  });

  it("is nothing where the model sees nothing", async () => {
    prompting.use(MODEL);
    await click(1, 1, []);
    expect(await prompting.accept()).toBeNull();
    expect(session.document.lastEdit).toBe(-1);
  });

  it("is given up with its model", async () => {
    prompting.use(MODEL);
    await click(1, 1, [9, 2]);
    prompting.use(MODEL);
    expect(prompting.isOpen).toBe(true);
    prompting.use(null);
    expect([prompting.isOpen, prompting.isReady]).toEqual([false, false]);
  });
});
