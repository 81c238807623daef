import type { JournalEntry } from "../model/journal";
import type { JournalStore, KeptTile, TileKey, TileRecord } from "./types";

/** A journal store that lasts as long as the page: for browsers that allow no storage, and for tests. */
export class MemoryStore implements JournalStore {
  private readonly tiles = new Map<string, KeptTile>();

  async load(key: TileKey): Promise<KeptTile | null> {
    return this.tiles.get(nameOf(key)) ?? null;
  }

  async begin(key: TileKey, record: TileRecord, entries: readonly JournalEntry[]): Promise<void> {
    this.tiles.set(nameOf(key), { record, entries: [...entries] });
  }

  async append(key: TileKey, entry: JournalEntry): Promise<void> {
    const tile = this.tiles.get(nameOf(key));
    if (tile) this.tiles.set(nameOf(key), { ...tile, entries: [...tile.entries, entry] });
  }

  async update(key: TileKey, change: Partial<TileRecord>): Promise<void> {
    const tile = this.tiles.get(nameOf(key));
    if (tile) this.tiles.set(nameOf(key), { ...tile, record: { ...tile.record, ...change } });
  }
}

/** One name for a tile; no part can run into the next. */
export function nameOf({ study, unit, annotator }: TileKey): string {
  return [study, unit, annotator].map(encodeURIComponent).join("/");
}
