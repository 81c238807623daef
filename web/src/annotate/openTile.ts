import type { AnnotationApi, SavedAnnotation } from "./api";
import { ActiveClock } from "./clock";
import { AnnotationDocument } from "./model/document";
import type { JournalEntry } from "./model/journal";
import { makeLabels } from "./model/labels";
import type { JournalStore, KeptTile, TileKey, TileRecord } from "./store/types";
import { TileSession } from "./tileSession";

/** Where the labels of an opened tile came from. */
export type Origin = "this browser" | "saved version" | "journal on the server" | "nothing";

export interface OpenedTile {
  readonly session: TileSession;
  readonly origin: Origin;
}

/**
 * Opens a tile where it was left: with the journal of this browser if it is the newest, else the version
 * on the server, else the journal on the server (of a browser that crashed or is elsewhere), else empty.
 */
export async function openTile(
  key: TileKey,
  size: { width: number; height: number },
  api: AnnotationApi,
  store: JournalStore,
): Promise<OpenedTile> {
  const [kept, saved] = await Promise.all([store.load(key), api.annotation()]);
  if (kept && fits(kept, size)) {
    const isNewest = kept.record.etag === (saved?.etag ?? null);
    if (isNewest || hasUnsaved(kept)) {
      const session = start(key, api, store, kept.record, kept.entries);
      if (!isNewest && saved) session.conflict = { theirs: saved };
      return { session, origin: "this browser" };
    }
  }
  const record: TileRecord = {
    ...size,
    client: newClient(),
    etag: saved?.etag ?? null,
    sent: 0,
    saved: 0,
    activeMs: 0,
  };
  if (saved) return { session: await fromVersion(key, api, store, record, saved), origin: "saved version" };
  const entries = await serverJournal(api, size);
  await store.begin(key, record, entries);
  const session = start(key, api, store, record, entries);
  return { session, origin: entries.length > 0 ? "journal on the server" : "nothing" };
}

async function fromVersion(
  key: TileKey,
  api: AnnotationApi,
  store: JournalStore,
  record: TileRecord,
  saved: SavedAnnotation,
): Promise<TileSession> {
  await store.begin(key, record, []);
  const session = start(key, api, store, record, []);
  session.replace("restore", saved.data, null, true);
  session.markSaved();
  return session;
}

/** Lines of another browser that can be done again from the first to the last; else none. */
async function serverJournal(
  api: AnnotationApi,
  size: { width: number; height: number },
): Promise<JournalEntry[]> {
  const entries = await api.journal();
  try {
    const labels = makeLabels(size.width, size.height);
    AnnotationDocument.replay({ labels, status: new Map() }, entries, () => {});
    return entries;
  } catch {
    // Half a journal would give wrong objects; the server keeps its lines, and the tile starts empty.
    return [];
  }
}

function start(
  key: TileKey,
  api: AnnotationApi,
  store: JournalStore,
  record: TileRecord,
  entries: readonly JournalEntry[],
): TileSession {
  return new TileSession({ key, api, store, record, entries, clock: new ActiveClock(record.activeMs) });
}

function fits({ record }: KeptTile, size: { width: number; height: number }): boolean {
  return record.width === size.width && record.height === size.height;
}

function hasUnsaved({ record, entries }: KeptTile): boolean {
  return entries.some(({ seq, type }) => seq >= record.saved && type !== "note");
}

function newClient(): string {
  return crypto.randomUUID();
}
