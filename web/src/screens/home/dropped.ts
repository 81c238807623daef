/** Files out of a drop or a file dialog, with their paths inside the dropped folders. */
import type { NamedFile } from "../../api/uploads";

/** Files that file managers leave behind and nobody means to analyse. */
const LITTER = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*|__MACOSX\/.*)$/;

export function fromInput(list: FileList): NamedFile[] {
  return clean([...list].map((file) => ({ name: file.webkitRelativePath || file.name, file })));
}

/** Walk what was dropped; entries must be taken before the event ends, so do not await before calling. */
export async function fromDrop(transfer: DataTransfer): Promise<NamedFile[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  if (entries.some((entry) => entry === null)) return clean(plain.map((file) => ({ name: file.name, file })));
  const found: NamedFile[] = [];
  for (const entry of entries) if (entry) await walk(entry, "", found);
  return clean(found);
}

async function walk(entry: FileSystemEntry, folder: string, found: NamedFile[]): Promise<void> {
  const name = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    found.push({ name, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader gives its entries in portions; the last one is empty.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (portion.length === 0) return;
    for (const inner of portion) await walk(inner, `${name}/`, found);
  }
}

function clean(files: NamedFile[]): NamedFile[] {
  return files.filter(({ name }) => !LITTER.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}
