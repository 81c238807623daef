import { ApiError } from "../api/client";
import type { AnnotationApi, SaveAnswer, SavedAnnotation } from "./api";
import type { ActiveClock } from "./clock";
import { AnnotationDocument } from "./model/document";
import type { ObjectStatus, OperationName } from "./model/edit";
import type { JournalEntry } from "./model/journal";
import { type Box, boxOf, makeLabels } from "./model/labels";
import { boxOfPatch, type Patch, Recorder, record } from "./model/patch";
import { JournalSync, type SyncState } from "./store/sync";
import type { JournalStore, TileKey, TileRecord } from "./store/types";

/** Another version came in between: both are kept, a person decides which goes on. */
export interface Conflict {
  readonly theirs: SavedAnnotation;
}

/** Objects up to which each is looked for, instead of painting all of the tile. */
const FEW = 8;

interface Parts {
  readonly key: TileKey;
  readonly api: AnnotationApi;
  readonly store: JournalStore;
  readonly clock: ActiveClock;
  readonly record: TileRecord;
  readonly entries: readonly JournalEntry[];
}

/** One tile in work: the document, and what keeps it safe. Views listen; nothing here draws. */
export class TileSession {
  readonly document: AnnotationDocument;
  readonly recorder: Recorder;
  readonly clock: ActiveClock;
  conflict: Conflict | null = null;
  /** What went wrong with this browser's own storage; strokes then only go to the server. */
  storageFault: string | null = null;
  private record: TileRecord;
  private readonly parts: Parts;
  private readonly sync: JournalSync;
  private readonly paintListeners = new Set<(box: Box) => void>();
  private readonly changeListeners = new Set<() => void>();
  private revision = 0;

  constructor(parts: Parts) {
    this.parts = parts;
    this.record = parts.record;
    this.clock = parts.clock;
    const start = { labels: makeLabels(parts.record.width, parts.record.height), status: new Map() };
    this.sync = new JournalSync(
      parts.entries.filter(({ seq }) => seq >= parts.record.sent),
      (entries) => parts.api.append(parts.record.client, entries),
      (_, sent) => this.onSync(sent),
    );
    this.document = AnnotationDocument.replay(start, parts.entries, (entry) => this.keep(entry));
    this.recorder = new Recorder(this.document.labels);
  }

  /** Changes with everything that a view might show. */
  readonly getRevision = (): number => this.revision;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  };

  /** Calls back with every box of pixels that changed. */
  onPaint(listener: (box: Box) => void): () => void {
    this.paintListeners.add(listener);
    return () => this.paintListeners.delete(listener);
  }

  get syncState(): SyncState {
    return this.sync.state;
  }

  get unsent(): number {
    return this.sync.unsent;
  }

  /** Whether there is anything that no saved version has. */
  get isUnsaved(): boolean {
    return this.document.lastEdit >= this.record.saved;
  }

  get hasVersion(): boolean {
    return this.record.etag !== null;
  }

  /** Tells views that pixels changed; a stroke in progress calls it for each piece. */
  painted(box: Box): void {
    for (const listener of this.paintListeners) listener(box);
  }

  commit(
    operation: OperationName,
    patch: Patch,
    status?: ReadonlyMap<number, ObjectStatus | null>,
    continues = false,
  ): void {
    this.clock.touch();
    const restyled = this.document.commit(operation, patch, status, continues);
    this.painted(boxOfPatch(patch, this.document.labels.width));
    this.repaint(restyled);
    this.changed();
  }

  /** Ends a stroke, or a part of a long one, so that a crash loses less than a second of it. */
  commitStroke(operation: OperationName, continues: boolean): boolean {
    if (this.recorder.isEmpty) return false;
    this.clock.touch();
    // Views were told of the pixels while they were drawn.
    this.repaint(this.document.commit(operation, this.recorder.take(), undefined, continues));
    this.changed();
    return true;
  }

  setStatus(operation: "accept" | "reject", labels: readonly number[], status: ObjectStatus): void {
    this.commit(operation, new Int32Array(0), new Map(labels.map((label) => [label, status])));
  }

  undo(): void {
    this.stepped(this.document.undo());
  }

  redo(): void {
    this.stepped(this.document.redo());
  }

  /** Replaces all labels, as one step that can be taken back unless it is where the tile starts. */
  replace(
    operation: "propose" | "restore" | "clear",
    data: Int32Array,
    status: ObjectStatus | null,
    isStart = false,
  ): void {
    const { labels } = this.document;
    const patch = record(labels, (recorder) => {
      data.forEach((label, i) => {
        recorder.set(i, label);
      });
    });
    const found = new Set(data);
    found.delete(0);
    const stated = new Map<number, ObjectStatus | null>();
    if (status) for (const label of found) stated.set(label, status);
    this.document.commit(operation, patch, stated, false, isStart);
    this.painted(this.everything);
    this.changed();
  }

  note(...note: Parameters<AnnotationDocument["note"]>): void {
    this.document.note(...note);
  }

  /** Saves a version. With `over` it follows that version of somebody else, which stays kept. */
  async save(
    about: { origin: readonly [number, number]; blind: boolean; proposal: string | null },
    over?: string,
  ): Promise<SaveAnswer | null> {
    this.clock.touch();
    const { width, height, data } = this.document.labels;
    const lines = this.document.length;
    const seconds = this.clock.activeMs / 1000;
    try {
      const etag = over ?? this.record.etag;
      const segmenters = [...this.document.segmenters];
      const saved = await this.parts.api.save({ ...about, width, height, data, etag, seconds, segmenters });
      this.clock.reset();
      this.conflict = null;
      this.change({ etag: saved.etag, saved: lines, activeMs: 0 });
      this.note("saved", { etag: saved.etag, version: saved.version, objects: saved.n_objects });
      void this.sync.flush();
      return saved;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 412)) throw error;
      const theirs = await this.parts.api.annotation();
      if (!theirs) throw error;
      this.conflict = { theirs };
      this.changed();
      return null;
    }
  }

  /** What is here now is what the version on the server has. */
  markSaved(): void {
    this.change({ saved: this.document.length });
  }

  /** Goes on with the other version; what was drawn here is one undo away. */
  takeTheirs(): void {
    if (!this.conflict) return;
    const { theirs } = this.conflict;
    this.conflict = null;
    this.replace("restore", theirs.data, null);
    this.change({ etag: theirs.etag, saved: this.document.length });
  }

  /** Sends at once what is waiting, as when the connection is back. */
  flush(): Promise<void> {
    return this.sync.flush();
  }

  /** Keeps the time worked so far, as before the page is left. */
  keepTime(): void {
    if (this.clock.activeMs !== this.record.activeMs) this.change({ activeMs: this.clock.activeMs });
  }

  close(): void {
    this.clock.pause();
    this.keepTime();
    void this.sync.flush().finally(() => this.sync.close());
  }

  private get everything(): Box {
    return { x0: 0, y0: 0, x1: this.document.labels.width, y1: this.document.labels.height };
  }

  /** Tells views of objects that look another way without having changed. */
  private repaint(labels: readonly number[]): void {
    if (labels.length > FEW) this.painted(this.everything);
    else for (const label of labels) this.painted(boxOf(this.document.labels, label));
  }

  private stepped(box: Box): void {
    this.clock.touch();
    this.painted(box);
    this.changed();
  }

  private keep(entry: JournalEntry): void {
    this.parts.store.append(this.parts.key, entry).catch((error: unknown) => this.storageFailed(error));
    this.sync.push(entry);
  }

  private onSync(sent: number): void {
    if (sent > 0) this.change({ sent });
    else this.changed();
  }

  private change(change: Partial<TileRecord>): void {
    this.record = { ...this.record, ...change };
    this.parts.store.update(this.parts.key, change).catch((error: unknown) => this.storageFailed(error));
    this.changed();
  }

  private storageFailed(error: unknown): void {
    this.storageFault = error instanceof Error ? error.message : String(error);
    this.changed();
  }

  private changed(): void {
    this.revision += 1;
    for (const listener of this.changeListeners) listener();
  }
}
