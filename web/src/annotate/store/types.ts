import type { JournalEntry } from "../model/journal";

/** Whose tile: every annotator has a journal of their own for each. */
export interface TileKey {
  readonly study: string;
  readonly unit: string;
  readonly annotator: string;
}

/** What is kept of a tile beside its journal. */
export interface TileRecord {
  /** Random name under which this browser writes to the server's journal. */
  readonly client: string;
  readonly width: number;
  readonly height: number;
  /** Version on the server that the labels follow; null: none yet. */
  readonly etag: string | null;
  /** Lines of the journal that the server has. */
  readonly sent: number;
  /** Lines of the journal when the tile was last saved as a version. */
  readonly saved: number;
  /** Milliseconds that the tile was worked on since it was last saved. */
  readonly activeMs: number;
}

export interface KeptTile {
  readonly record: TileRecord;
  readonly entries: readonly JournalEntry[];
}

/** Keeps journals in this browser through reload and crash. */
export interface JournalStore {
  load(key: TileKey): Promise<KeptTile | null>;
  /** Starts a tile anew: its record, and these lines instead of any there were. */
  begin(key: TileKey, record: TileRecord, entries: readonly JournalEntry[]): Promise<void>;
  append(key: TileKey, entry: JournalEntry): Promise<void>;
  update(key: TileKey, change: Partial<TileRecord>): Promise<void>;
}
