import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { uploadFiles } from "./uploads";

/** A server that keeps pieces, and can be told to fail. */
class Uploads {
  received = new Map<string, number>();
  failures: (() => Response | never)[] = [];
  removed = false;

  fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input), "http://here");
    if (init?.method === "DELETE") {
      this.removed = true;
      return new Response(null, { status: 204 });
    }
    const upload = {
      id: "u",
      files: [...this.received].map(([name, received]) => ({ name, received })),
      limit_bytes: 100,
      chunk_bytes: 4,
    };
    if (init?.method === "POST" || !init?.method) return Response.json(upload);
    const failure = this.failures.shift();
    if (failure) return failure();
    const name = decodeURIComponent(url.pathname.split("/files/")[1] ?? "");
    const offset = Number(url.searchParams.get("offset"));
    const known = this.received.get(name) ?? 0;
    if (offset !== known)
      return Response.json(
        { title: "Gap", status: 409, detail: "", action: "", received: known },
        { status: 409 },
      );
    this.received.set(name, offset + (init.body as Blob).size);
    return Response.json({ name, received: this.received.get(name) });
  };
}

let server: Uploads;
beforeEach(() => {
  server = new Uploads();
  vi.stubGlobal("fetch", server.fetch);
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 500 });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
const files = [
  { name: "p/a.tif", file: new Blob(["0123456789"]) },
  { name: "empty.csv", file: new Blob([]) },
];
const start = (signal = new AbortController().signal) => {
  const seen: number[] = [];
  return { seen, done: uploadFiles(files, ({ sent }) => seen.push(sent), signal) };
};

test("files go in pieces, empty ones too", async () => {
  const { seen, done } = start();
  expect(await done).toBe("u");
  expect(seen).toEqual([4, 8, 10, 10]);
  expect([...server.received]).toEqual([
    ["p/a.tif", 10],
    ["empty.csv", 0],
  ]);
});

test("after a lost connection it goes on where the server stopped", async () => {
  server.failures = [
    () => {
      throw new TypeError("Failed to fetch");
    },
  ];
  expect(await start().done).toBe("u");
  expect(server.received.get("p/a.tif")).toBe(10);
});

test("the server's word on where to go on is taken", async () => {
  server.received.set("p/a.tif", 8);
  const { seen, done } = start();
  await done;
  expect(seen.slice(0, 2)).toEqual([8, 10]);
});

test("a refusal is not tried again, and what was sent is removed", async () => {
  server.failures = [
    () => Response.json({ title: "Full", status: 507, detail: "", action: "" }, { status: 507 }),
  ];
  await expect(start().done).rejects.toMatchObject({ status: 507 });
  expect(server.removed).toBe(true);
});

test("more than the server takes is said before anything is sent", async () => {
  const large = [{ name: "a", file: new Blob(["x".repeat(101)]) }];
  await expect(uploadFiles(large, () => undefined, new AbortController().signal)).rejects.toMatchObject({
    status: 413,
    problem: { detail: "The files have 0.00 GiB; the server has room for 0.00 GiB at once." },
  });
  expect(server.removed).toBe(true);
  expect(server.received.size).toBe(0);
});

test("what was stopped is removed", async () => {
  const own = new AbortController();
  const { done } = start(own.signal);
  own.abort();
  await expect(done).rejects.toThrow();
  expect(server.removed).toBe(true);
});
