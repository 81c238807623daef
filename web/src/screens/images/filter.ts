/** Which images are shown: by words, group, quality flag and well. */
import type { ImageRow, QualityFlag } from "../../api/types";

export interface ImageFilter {
  words: string;
  group: string | null;
  flag: QualityFlag | null;
  well: { plate: string; row: string; column: string } | null;
}
export const NO_FILTER: ImageFilter = { words: "", group: null, flag: null, well: null };

export function filterImages(images: ImageRow[], { words, group, flag, well }: ImageFilter): ImageRow[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return images.filter((image) => {
    const all = `${image.id} ${image.group} ${image.replicate} ${image.source}`.toLowerCase();
    return (
      wanted.every((word) => all.includes(word)) &&
      (group === null || image.group === group) &&
      (flag === null || (image.quality?.flags.includes(flag) ?? false)) &&
      (well === null ||
        (image.well?.plate === well.plate &&
          image.well.row === well.row &&
          image.well.column === well.column))
    );
  });
}

/** How often each value occurs, in the order of first appearance. */
export function tally<Value extends string>(values: Value[]): [Value, number][] {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts];
}
