/** What a well of a plate is coloured by: what is known from the images alone, or what a candidate found. */
import type { ImageRow } from "../../api/types";

export const WELL_MEASURES = ["intensity", "sharpness", "fields", "flagged"] as const;
export type WellMeasure = (typeof WELL_MEASURES)[number];

/** Objects that a candidate found, by image; null or missing where it has not run. */
export type Counts = ReadonlyMap<string, number | null>;

function measured(image: ImageRow, measure: WellMeasure | Counts): number | null {
  if (typeof measure !== "string") return measure.get(image.id) ?? null;
  const channel = image.quality?.channels[0];
  switch (measure) {
    case "intensity":
      return channel?.p50 ?? null;
    case "sharpness":
      return channel?.sharpness ?? null;
    case "fields":
      return 1;
    case "flagged":
      return image.quality ? Number(image.quality.flags.length > 0) : null;
  }
}

/** Value of each well that has an image: mean over its fields, or their number; null where unknown. */
export function wellValues(
  plate: string,
  images: ImageRow[],
  measure: WellMeasure | Counts,
): Map<string, number | null> {
  const values = new Map<string, (number | null)[]>();
  for (const image of images) {
    if (image.well?.plate !== plate) continue;
    const name = image.well.row + image.well.column;
    values.set(name, [...(values.get(name) ?? []), measured(image, measure)]);
  }
  const isCount = measure === "fields" || measure === "flagged";
  return new Map(
    [...values].map(([name, all]) => {
      const known = all.filter((value) => value !== null);
      const sum = known.reduce((total, value) => total + value, 0);
      return [name, known.length === 0 ? null : isCount ? sum : sum / known.length];
    }),
  );
}
