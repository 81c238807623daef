import type { JournalEntry } from "../model/journal";
import { nameOf } from "./memory";
import type { JournalStore, KeptTile, TileKey, TileRecord } from "./types";

const DATABASE = "veriscope-annotation";
const VERSION = 1;

/** Keeps journals in IndexedDB: each line on its own, written before the next stroke can begin. */
export class IndexedDbStore implements JournalStore {
  private readonly database: Promise<IDBDatabase>;

  constructor(factory: IDBFactory = indexedDB) {
    this.database = open(factory);
  }

  async load(key: TileKey): Promise<KeptTile | null> {
    const transaction = (await this.database).transaction(["tiles", "lines"], "readonly");
    const name = nameOf(key);
    const [record, entries] = await Promise.all([
      answer<TileRecord | undefined>(transaction.objectStore("tiles").get(name)),
      answer<JournalEntry[]>(transaction.objectStore("lines").getAll(linesOf(name))),
    ]);
    return record ? { record, entries } : null;
  }

  async begin(key: TileKey, record: TileRecord, entries: readonly JournalEntry[]): Promise<void> {
    const name = nameOf(key);
    await this.write(["tiles", "lines"], (transaction) => {
      const lines = transaction.objectStore("lines");
      lines.delete(linesOf(name));
      for (const entry of entries) lines.put(entry, [name, entry.seq]);
      transaction.objectStore("tiles").put(record, name);
    });
  }

  async append(key: TileKey, entry: JournalEntry): Promise<void> {
    await this.write(["lines"], (transaction) => {
      transaction.objectStore("lines").put(entry, [nameOf(key), entry.seq]);
    });
  }

  async update(key: TileKey, change: Partial<TileRecord>): Promise<void> {
    const name = nameOf(key);
    await this.write(["tiles"], (transaction) => {
      const tiles = transaction.objectStore("tiles");
      const request = tiles.get(name);
      request.onsuccess = () => {
        if (request.result) tiles.put({ ...(request.result as TileRecord), ...change }, name);
      };
    });
  }

  private async write(stores: string[], work: (transaction: IDBTransaction) => void): Promise<void> {
    const transaction = (await this.database).transaction(stores, "readwrite");
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("the browser's storage gave up"));
      transaction.onerror = () => reject(transaction.error);
    });
    work(transaction);
    await done;
  }
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(DATABASE, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("tiles");
    request.result.createObjectStore("lines");
  };
  return answer(request);
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage gave up"));
  });
}

function linesOf(name: string): IDBKeyRange {
  return IDBKeyRange.bound([name, 0], [name, Number.MAX_SAFE_INTEGER]);
}
