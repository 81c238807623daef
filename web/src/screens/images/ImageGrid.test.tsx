import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { ImageRow } from "../../api/types";
import { ImageGrid } from "./ImageGrid";

const image = (change: Partial<ImageRow>) =>
  ({
    id: "a",
    group: "g",
    replicate: "r",
    source: "a.tif",
    zarr: "/files/a",
    quality: null,
    ...change,
  }) as ImageRow;

test("an image whose file is gone says so, beside how it looked", () => {
  const empty = { flags: ["empty"] } as ImageRow["quality"];
  render(
    <ImageGrid
      study="s"
      images={[image({ id: "there" }), image({ id: "lost", zarr: null, quality: empty })]}
    />,
  );
  const [there, lost] = screen.getAllByRole("listitem");
  expect(there?.querySelectorAll(".chip")).toHaveLength(0);
  const chips = [...(lost?.querySelectorAll<HTMLElement>(".chip") ?? [])];
  expect(chips.map((chip) => chip.textContent?.trim())).toEqual(["file gone", "empty"]);
  expect(chips[0]?.title).toContain("The file of lost was there when the study was made");
});
