import { describe, expect, it } from "vitest";
import type { Description } from "../../api/types";
import { likelySeries, takenOf } from "./series";

type Images = Description["images"];
const image = (name: string, series: number | null, format = "Leica LIF") =>
  ({ image: name, series, format }) as Images[number];

describe("files that hold several images", () => {
  const fields = [image("a.lif", 0), image("a.lif", 1), image("b.tif", null, "TIFF")];
  const slide = [image("s.svs", 0, "Aperio SVS"), image("s.svs", 1, "Aperio SVS")];

  it("takes every field, but of a slide not its label and overviews", () => {
    expect(likelySeries([])).toBe("each");
    expect(likelySeries(fields)).toBe("each");
    expect(likelySeries(slide)).toBe("first");
    expect(likelySeries([...slide, image("b.tif", null, "TIFF")])).toBe("first");
    expect(likelySeries([...slide, ...fields])).toBe("each");
  });

  it("keeps files of one image whatever is chosen", () => {
    expect(takenOf(fields, "each")).toEqual(fields);
    expect(takenOf(fields, "first").map(({ image: name, series }) => [name, series])).toEqual([
      ["a.lif", 0],
      ["b.tif", null],
    ]);
  });
});
