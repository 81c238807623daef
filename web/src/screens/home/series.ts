/** Which images of files that hold several a new study takes. */
import type { Description } from "../../api/types";
import { useDraft } from "../../app/store";

type Images = Description["images"];
export type SeriesChoice = "each" | "first";

/** A slide's other images are its label and overviews; those of other files are fields of their own. */
export function likelySeries(images: Images): SeriesChoice {
  const several = images.filter(({ series }) => series !== null);
  return several.length > 0 && several.every(({ format }) => format === SLIDE) ? "first" : "each";
}

/** The images that the study will have. */
export function takenOf(images: Images, choice: SeriesChoice): Images {
  return choice === "each" ? images : images.filter(({ series }) => !series);
}

export type SeriesForm = ReturnType<typeof useSeriesForm>;

export function useSeriesForm(prefix: string, images: Images) {
  const [typed, choose] = useDraft(`${prefix}series`);
  const several = images.filter(({ series }) => series !== null).length;
  const choice = typed === "each" || typed === "first" ? typed : likelySeries(images);
  const asked = choice === "each" ? ("each" as const) : 0;
  return {
    several,
    choice,
    choose,
    taken: takenOf(images, choice),
    request: several ? { series: asked } : {},
  };
}

const SLIDE = "Aperio SVS";
