import { expect, test } from "vitest";
import type { StudySummary } from "../api/types";
import { commandsFor, search } from "./commands";
import { parseRoute } from "./routes";

const studies = ["a", "b"].map(
  (id) => ({ id, name: `Study ${id}`, problem: null }) as unknown as StudySummary,
);

test("inside a study its screens come first, and it is not offered again", () => {
  const commands = commandsFor(parseRoute("/studies/a/audit"), studies, false);
  expect(commands[0]?.label).toBe("Images");
  expect(commands.map(({ id }) => id)).not.toContain("study-a");
  expect(commands.map(({ id }) => id)).toContain("study-b");
});

test("training is offered where the server can", () => {
  const ids = (can: boolean) => commandsFor(parseRoute("/studies/a"), studies, can).map(({ id }) => id);
  expect(ids(true)).toContain("screen-train");
  expect(ids(false)).not.toContain("screen-train");
});

test("all typed words must occur; what begins with the first comes first", () => {
  const commands = commandsFor(parseRoute("/studies/a"), studies, false);
  expect(search(commands, "re")[0]?.label).toBe("Report");
  expect(search(commands, "study B").map(({ id }) => id)).toEqual(["study-b"]);
  expect(search(commands, "nothing of this")).toEqual([]);
});
