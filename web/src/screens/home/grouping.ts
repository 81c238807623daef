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
