import { afterEach, describe, expect, it, vi } from "vitest";
import { AnnotationApi } from "./api";

const key = { study: "s", unit: "u 1", annotator: "ana" };

/** What was sent, and a server that answers everything with one body. */
function serve(body: unknown) {
  const sent: { path: string; init: RequestInit }[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    sent.push({ path, init });
    const isLater = path.includes("after=") && !path.endsWith("after=0");
    return Response.json(isLater ? { entries: [], last: 9 } : body);
  });
  return sent;
}

afterEach(() => vi.unstubAllGlobals());

describe("what the editor asks of the server", () => {
  it("goes on with the strokes of a person, also where the server was the last to note something", async () => {
    const line = { time: "2026-01-01T00:00:00.000Z", data: {} };
    serve({
      entries: [
        { n: 1, client: "old", seq: 1, kind: "undo", ...line },
        { n: 2, client: "mine", seq: 1, kind: "undo", ...line },
        { n: 3, client: "mine", seq: 2, kind: "redo", ...line },
        { n: 4, client: "server", seq: 1, kind: "proposal-shown", ...line },
      ],
      last: 4,
    });
    const entries = await new AnnotationApi(key).journal();
    expect(entries.map(({ seq, type }) => [seq, type])).toEqual([
      [0, "undo"],
      [1, "redo"],
    ]);
  });

  it("points at an object of the tile in the annotator's name, and can be called off", async () => {
    const sent = serve({ runs: [1, 2] });
    const { signal } = new AbortController();
    const request = { segmenter: "segmenter:m", channels: [0], points: [{ x: 1, y: 2, inside: true }] };
    expect((await new AnnotationApi(key).outline(request, signal)).runs).toEqual([1, 2]);
    expect(sent[0]?.path).toBe("/api/studies/s/audit/units/u%201/segment?annotator=ana");
    expect(JSON.parse(String(sent[0]?.init.body))).toEqual(request);
    expect([sent[0]?.init.method, sent[0]?.init.signal]).toEqual(["POST", signal]);
  });

  it("names the models of a version", async () => {
    const sent = serve({ version: 1, etag: "e", n_objects: 0, changed: true });
    await new AnnotationApi(key).save({
      data: new Int32Array(4),
      width: 2,
      height: 2,
      etag: null,
      origin: [0, 0],
      seconds: 1,
      blind: false,
      proposal: null,
      segmenters: ["segmenter:a", "segmenter:b"],
    });
    expect(sent[0]?.path).toContain("&segmenter=segmenter%3Aa&segmenter=segmenter%3Ab");
  });
});
