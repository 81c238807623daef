import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sendOrTake } from "../api/early";
import { queryClient } from "../api/queries";
import { preload } from "./preload";
import { parseRoute } from "./routes";

vi.mock("../screens/StudyScreen", () => ({ default: null }));
vi.mock("../screens/images/ImageView", () => ({ default: null }));
vi.mock("../screens/viewer/StudyViewer", () => ({ default: null }));
vi.mock("../codecs/blosc", () => ({ ready: async () => undefined }));
vi.mock("../viewer/state/webgl", () => ({ hasWebGL2: () => true }));

let signedIn = true;
const answers: Record<string, () => unknown> = {
  "/api/session": () => ({ signed_in: signedIn }),
  "/api/studies/a%20b/candidates": () => [
    { id: "ran", n_images_done: 2 },
    { id: "waits", n_images_done: 0 },
  ],
  "/api/studies/a%20b/images": () => ({
    images: [{ id: "i", zarr: "/files/a%20b/images/i/v1", quality: 1 }],
  }),
};
const fetched = vi.fn<typeof fetch>(
  async (path) => new Response(JSON.stringify(answers[String(path)]?.() ?? {})),
);
const asked = () => fetched.mock.calls.map(([path]) => new URL(String(path), location.href).pathname).sort();

beforeEach(() => {
  signedIn = true;
  vi.stubGlobal("fetch", fetched);
  fetched.mockClear();
  queryClient.clear();
});
afterEach(() => void vi.unstubAllGlobals());

test("a page that is opened at an image asks for all of it before any screen is there", async () => {
  await preload(parseRoute("/studies/a%20b/images/i"));
  const zarr = "/files/a%20b/images/i/v1/zarr.json";
  const study = "/api/studies/a%20b";
  const parts = ["", "/candidates", "/candidates/ran/images", "/images"].map((part) => study + part);
  await vi.waitFor(() => expect(asked()).toEqual(["/api/session", ...parts, zarr]));
  await sendOrTake(new URL(zarr, location.href).href);
  expect(fetched).toHaveBeenCalledTimes(6);
});

test("who is not signed in asks for nothing else, and other pages ask for themselves", async () => {
  signedIn = false;
  await preload(parseRoute("/studies/a%20b/images/i"));
  expect(asked()).toEqual(["/api/session"]);
  fetched.mockClear();
  for (const path of ["/", "/studies/a", "/studies/a/images", "/studies/a/audit/u", "/x"])
    await preload(parseRoute(path));
  expect(fetched).not.toHaveBeenCalled();
});

test("an image that is gone, or a server that does not answer, is left to the screens", async () => {
  await preload(parseRoute("/studies/a%20b/images/gone"));
  expect(asked().some((path) => path.startsWith("/files"))).toBe(false);
  queryClient.clear();
  fetched.mockResolvedValueOnce(new Response("{}", { status: 500 }));
  await expect(preload(parseRoute("/studies/a%20b/images/i"))).resolves.toBeUndefined();
});
