import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useApp } from "../app/store";
import { ApiError, api, getJson, send, sendJson } from "./client";

const answer = (status: number, body: unknown, type = "application/problem+json", headers = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": type, ...headers } });
const fetched = vi.fn<typeof fetch>();

beforeEach(() => vi.stubGlobal("fetch", fetched));
afterEach(() => {
  vi.unstubAllGlobals();
  fetched.mockReset();
  useApp.setState({ connection: "ok", signedOut: false });
});

test("names in addresses are encoded", () => {
  expect(api("studies", "a b/c", "images")).toBe("/api/studies/a%20b%2Fc/images");
});

test("only requests that change something carry the header", async () => {
  fetched.mockImplementation(async () => answer(200, {}));
  await getJson("/api/x");
  await sendJson("PATCH", "/api/x", { a: 1 }, '"v1"');
  const headers = fetched.mock.calls.map(([, init]) => new Headers(init?.headers));
  expect(headers.map((one) => one.get("X-Veriscope"))).toEqual([null, "1"]);
  expect(headers[1]?.get("If-Match")).toBe('"v1"');
});

test("a problem keeps the server's words and the newest version", async () => {
  const problem = { title: "Changed", status: 412, detail: "by anna", action: "Load it." };
  fetched.mockResolvedValue(answer(412, problem, "application/problem+json", { ETag: '"v2"' }));
  const error = await send("/api/x").catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ problem, etag: '"v2"', isConnection: false });
});

test("an answer that is no problem document is still told", async () => {
  fetched.mockResolvedValue(new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  await expect(send("/api/x")).rejects.toMatchObject({ problem: { status: 502, detail: "Bad Gateway" } });
});

test("a lost connection is known, and known to be back", async () => {
  fetched.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  await expect(send("/api/x")).rejects.toMatchObject({ isConnection: true });
  expect(useApp.getState().connection).toBe("lost");
  fetched.mockResolvedValueOnce(answer(200, {}));
  await send("/api/x");
  expect(useApp.getState().connection).toBe("ok");
});

test("401 asks to sign in", async () => {
  fetched.mockResolvedValue(answer(401, { title: "Sign in", status: 401, detail: "", action: "" }));
  await expect(send("/api/x")).rejects.toBeInstanceOf(ApiError);
  expect(useApp.getState().signedOut).toBe(true);
});
