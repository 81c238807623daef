import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { askEarly } from "../../api/early";
import { openPyramid } from "./pyramid";
import { ImageStore } from "./store";

const ROOT = "http://localhost:3000/files/s/images/i/v";
const array = (side: number) => ({
  zarr_format: 3,
  node_type: "array",
  shape: [side, side],
  data_type: "uint8",
  chunk_grid: { name: "regular", configuration: { chunk_shape: [256, 256] } },
  chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
  fill_value: 0,
  codecs: [{ name: "bytes" }],
  attributes: {},
});
const datasets = [1, 2].map((factor, path) => ({
  path: String(path),
  coordinateTransformations: [{ type: "scale", scale: [factor, factor] }],
}));
const group = {
  zarr_format: 3,
  node_type: "group",
  attributes: { ome: { version: "0.5", multiscales: [{ axes: ["y", "x"], datasets }] } },
};
const consolidated = (metadata: object) => ({
  ...group,
  consolidated_metadata: { kind: "inline", must_understand: false, metadata },
});

let files: Record<string, unknown>;
const fetched = vi.fn<typeof fetch>(async (path) => {
  const found = files[String(path).slice(ROOT.length)];
  if (found instanceof Response) return found.clone();
  return new Response(found === undefined ? "{}" : JSON.stringify(found), {
    status: found === undefined ? 404 : 200,
  });
});
const asked = () => fetched.mock.calls.map(([path]) => String(path).slice(ROOT.length));

beforeEach(() => {
  vi.stubGlobal("fetch", fetched);
  fetched.mockClear();
});
afterEach(() => void vi.unstubAllGlobals());

describe("opening an image", () => {
  it("takes one request where the group says what its arrays are", async () => {
    files = { "/zarr.json": consolidated({ "0": array(600), "1": array(300) }) };
    const { width, levels, dtype } = await openPyramid(ROOT);
    expect([width, levels.map((level) => level.width), dtype]).toEqual([600, [600, 300], "uint8"]);
    expect(asked()).toEqual(["/zarr.json"]);
  });

  it("asks for the arrays that the group does not describe", async () => {
    files = { "/zarr.json": consolidated({ "0": array(600) }), "/1/zarr.json": array(300) };
    expect((await openPyramid(ROOT)).levels).toHaveLength(2);
    expect(asked()).toEqual(["/zarr.json", "/1/zarr.json"]);
  });

  it("takes what was asked for early, once", async () => {
    files = { "/zarr.json": consolidated({ "0": array(600), "1": array(300) }) };
    askEarly(`${ROOT}/zarr.json`);
    askEarly(`${ROOT}/zarr.json`);
    await openPyramid(ROOT);
    expect(asked()).toHaveLength(1);
    await openPyramid(ROOT);
    expect(asked()).toHaveLength(2);
  });

  it("says that there is none, or what the server said", async () => {
    files = {};
    await expect(openPyramid(ROOT)).rejects.toThrow("there is no OME-Zarr image at its address");
    const problem = { title: "A file is gone", detail: "The file of image i is gone: i.tif.", status: 410 };
    const headers = { "Content-Type": "application/problem+json" };
    files = { "/zarr.json": new Response(JSON.stringify(problem), { status: 410, headers }) };
    await expect(openPyramid(ROOT)).rejects.toMatchObject({ problem });
    askEarly(`${ROOT}/zarr.json`);
    await expect(openPyramid(ROOT)).rejects.toMatchObject({ problem });
  });
});

describe("files of an image", () => {
  it("that are not there are empty chunks, and parts are asked for by their bytes", async () => {
    files = { "/0/c/0/0": [1, 2] };
    const store = new ImageStore(`${ROOT}/`);
    expect(await store.get("/0/c/9/9")).toBeUndefined();
    expect(new TextDecoder().decode(await store.get("/0/c/0/0"))).toBe("[1,2]");
    await store.getRange("/0/c/0/0", { offset: 4, length: 8 });
    await store.getRange("/0/c/0/0", { suffixLength: 16 });
    const ranges = fetched.mock.calls.map(([, init]) => new Headers(init?.headers).get("Range"));
    expect(ranges.slice(2)).toEqual(["bytes=4-11", "bytes=-16"]);
  });
});
