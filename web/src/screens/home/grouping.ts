/** What names of files and folders say: a study's name, its groups, its sample sheet. */
export interface Assignment {
  image: string;
  group: string;
  replicate: string;
}

/** Folders of each image below those that all images share. */
function ownFolders(images: string[]): string[][] {
  const all = images.map((name) => name.split("/").slice(0, -1));
  const first = all[0] ?? [];
  let shared = 0;
  while (shared < first.length && all.every((parts) => parts[shared] === first[shared])) shared += 1;
  return all.map((parts) => parts.slice(shared));
}

/** Groups by the first folder that tells images apart, replicates by the second; null if folders say nothing. */
export function groupsFromFolders(images: string[]): Assignment[] | null {
  const folders = ownFolders(images);
  const groups = new Set(folders.map(([group]) => group));
  if (groups.size < 2 || groups.has(undefined) || groups.size > Math.max(2, images.length / 2)) return null;
  return images.map((image, at) => {
    const [group = "", replicate] = folders[at] ?? [];
    return { image, group, replicate: replicate ?? image.slice(image.lastIndexOf("/") + 1) };
  });
}

/**
 * Groups by what stands before the number at the end of file names: control_01.tif and drug_01.tif. Null where
 * they say nothing: a name without number or word, a group of one image, or more than six groups.
 */
export function groupsFromNames(images: string[]): Assignment[] | null {
  const found = images.map((image) => {
    const name = image.slice(image.lastIndexOf("/") + 1).replace(/(\.ome)?\.[a-z]+$/i, "");
    return { image, group: /^(.*?[\p{L}]{2}.*?)[-_ .]*\d+$/u.exec(name)?.[1] ?? "" };
  });
  const sizes = new Map<string, number>();
  for (const { group } of found) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  if (sizes.has("") || sizes.size < 2 || sizes.size > MOST_GROUPS || Math.min(...sizes.values()) < 2)
    return null;
  return found.map(({ image, group }) => ({
    image,
    group,
    replicate: image.slice(image.lastIndexOf("/") + 1),
  }));
}

const MOST_GROUPS = 6;

export function sampleSheetOf(files: string[]): string | null {
  const sheets = files.filter((name) => name.toLowerCase().endsWith(".csv"));
  return sheets.length === 1 ? (sheets[0] ?? null) : null;
}

/** A name of the study: the dropped folder's, else the images' common beginning. */
export function nameFrom(files: string[]): string {
  const top = new Set(files.map((name) => (name.includes("/") ? name.split("/")[0] : undefined)));
  const [only] = top;
  if (top.size === 1 && only) return only;
  return "";
}

/** A folder name that every file system takes. */
export function folderName(title: string): string {
  const plain = title.normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  return (
    plain
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 60) || "study"
  );
}

/** The title, or its beginning with the first number whose folder no study has yet. */
export function freeTitle(title: string, taken: readonly string[]): string {
  if (!taken.includes(folderName(title))) return title;
  const begin = title.slice(0, 50).trim();
  for (let n = 2; n <= taken.length + 2; n++) {
    if (!taken.includes(folderName(`${begin} ${n}`))) return `${begin} ${n}`;
  }
  return title;
}
