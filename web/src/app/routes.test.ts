import { expect, test } from "vitest";
import { parseRoute, studyPath } from "./routes";

test("the empty path is home", () => {
  expect(parseRoute("/")).toEqual({ page: "home" });
});

test("a study opens on its images", () => {
  expect(parseRoute("/studies/demo")).toMatchObject({ page: "study", study: "demo", screen: "images" });
});

test("names with slashes, spaces and signs survive the address", () => {
  const path = studyPath("a b/ü%", "audit", "tile #1");
  expect(parseRoute(path)).toMatchObject({ study: "a b/ü%", screen: "audit", item: "tile #1" });
});

test("several values of one key are kept", () => {
  const [pathname, search] = studyPath("s", "candidates", "img", { c: ["a", "b"] }).split("?");
  const route = parseRoute(pathname ?? "", `?${search}`);
  expect(route.page === "study" && route.query.getAll("c")).toEqual(["a", "b"]);
});

test.each(["/studies", "/studies/a/nowhere", "/other", "/jobs/7"])("%s leads nowhere", (path) => {
  expect(parseRoute(path).page).toBe("lost");
});

test("a broken percent sign does not break the app", () => {
  expect(parseRoute("/studies/%E0%A4%A/images")).toMatchObject({ page: "study", study: "%E0%A4%A" });
});
