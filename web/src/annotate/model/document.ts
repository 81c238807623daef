import { ObjectSums } from "./counting";
import {
  type Edit,
  invertEdit,
  type ObjectStatus,
  type OperationName,
  restyledBy,
  type StatusChange,
} from "./edit";
import { editEntry, editOf, inOrder, type JournalEntry, type NoteEntry } from "./journal";
import { type Box, EMPTY_BOX, type Labels, union } from "./labels";
import { apply, boxOfPatch, labelsOf, type Patch } from "./patch";

/** Objects that undo and redo move together: one edit, or the parts of one long stroke. */
type Step = Edit[];

/** How a tile begins: empty or as saved before, with the status of each object. */
export interface Start {
  readonly labels: Labels;
  readonly status: ReadonlyMap<number, ObjectStatus>;
}

/** One tile being annotated: labels, status of the objects, undo and redo, and the journal of it all. */
export class AnnotationDocument {
  readonly labels: Labels;
  readonly status: Map<number, ObjectStatus>;
  /** Number, centre and borders of the pixels of each object. */
  readonly sums: ObjectSums;
  /** Rises with every change of pixels, also by undo and redo. */
  pixelRevision = 0;
  /** Line of the journal that last changed anything, -1 if none has. */
  lastEdit = -1;
  /** Candidate whose objects the annotator was shown last; null if none. */
  shownProposal: string | null = null;
  /** Models for click-to-segment whose outlines were taken. */
  readonly segmenters = new Set<string>();
  private done: Step[] = [];
  private undone: Step[] = [];
  private seq = 0;
  private readonly write: (entry: JournalEntry) => void;
  private readonly now: () => number;
  private readonly used = new Set<number>();

  /** `write` gets every line of the journal as it happens. The labels are copied. */
  constructor(start: Start, write: (entry: JournalEntry) => void, now: () => number = Date.now) {
    this.labels = { ...start.labels, data: start.labels.data.slice() };
    this.status = new Map(start.status);
    this.write = write;
    this.now = now;
    this.sums = new ObjectSums(this.labels);
    for (const label of this.sums.labels()) {
      this.used.add(label);
      if (!this.status.has(label)) this.status.set(label, "drawn");
    }
  }

  /** Opens a tile and does again what its journal says; the journal goes on where it stopped. */
  static replay(
    start: Start,
    entries: Iterable<JournalEntry>,
    write: (entry: JournalEntry) => void,
    now: () => number = Date.now,
  ): AnnotationDocument {
    const document = new AnnotationDocument(start, () => {}, now);
    for (const entry of inOrder(entries)) document.redoLine(entry);
    return Object.assign(document, { write });
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Number of the next line of the journal. */
  get length(): number {
    return this.seq;
  }

  /** Pixels of an object. */
  sizeOf(label: number): number {
    return this.sums.sizeOf(label);
  }

  /** Labels of the objects that have pixels, in order. */
  objects(): number[] {
    return [...this.sums.labels()].sort((a, b) => a - b);
  }

  /** A number that no object of this tile has or has had. */
  freshLabel(): number {
    let label = 1;
    for (const used of this.used) if (used >= label) label = used + 1;
    this.used.add(label);
    return label;
  }

  /**
   * Keeps a change that was already made to `labels`. `status` overrules what follows from the pixels: an
   * object that was changed counts as corrected, a new one as drawn, one without pixels as rejected if it
   * was a proposal. With `continues` it is undone together with the change before, with `isStart` never.
   * Gives the labels that look another way now, with pixels that did not change.
   */
  commit(
    operation: OperationName,
    patch: Patch,
    status: ReadonlyMap<number, ObjectStatus | null> = new Map(),
    continues = false,
    isStart = false,
  ): number[] {
    this.count(patch);
    const edit: Edit = { operation, patch, status: this.changesOf(patch, status) };
    if (patch.length === 0 && edit.status.length === 0) return [];
    this.setStatus(edit.status);
    this.push(edit, continues, isStart);
    this.lastEdit = this.seq;
    this.write(editEntry(this.seq++, this.now(), edit, { continues, isStart }));
    return restyledBy(edit);
  }

  /** Takes the last step back; gives the box of the pixels that look another way, empty if there is none. */
  undo(): Box {
    if (!this.canUndo) return EMPTY_BOX;
    const box = this.stepBack();
    this.lastEdit = this.seq;
    this.write({ seq: this.seq++, at: this.now(), type: "undo" });
    return box;
  }

  /** Does the last undone step again; gives the box of the pixels that look another way. */
  redo(): Box {
    if (!this.canRedo) return EMPTY_BOX;
    const box = this.stepForward();
    this.lastEdit = this.seq;
    this.write({ seq: this.seq++, at: this.now(), type: "redo" });
    return box;
  }

  /** Writes into the journal what changes no pixel. */
  note(note: NoteEntry["note"], detail?: NoteEntry["detail"]): void {
    this.remember(note, detail);
    this.write({ seq: this.seq++, at: this.now(), type: "note", note, ...(detail ? { detail } : {}) });
  }

  private redoLine(entry: JournalEntry): void {
    this.seq = entry.seq + 1;
    if (entry.type !== "note") this.lastEdit = entry.seq;
    if (entry.type === "note") this.remember(entry.note, entry.detail);
    else if (entry.type === "undo") this.stepBack();
    else if (entry.type === "redo") this.stepForward();
    else if (entry.type === "edit") {
      const edit = editOf(entry);
      this.run(edit);
      this.push(edit, entry.continues ?? false, entry.start ?? false);
    }
  }

  private remember(note: NoteEntry["note"], detail: NoteEntry["detail"]): void {
    if (note === "proposals-shown" && typeof detail?.candidate === "string")
      this.shownProposal = detail.candidate;
    if (note === "model-outline" && typeof detail?.segmenter === "string")
      this.segmenters.add(detail.segmenter);
  }

  private push(edit: Edit, continues: boolean, isStart: boolean): void {
    const last = this.done.at(-1);
    if (isStart) this.done = [];
    else if (continues && last && this.undone.length === 0) last.push(edit);
    else this.done.push([edit]);
    this.undone = [];
    for (const label of labelsOf(edit.patch)) this.used.add(label);
  }

  private stepBack(): Box {
    const step = this.done.pop();
    if (!step) return EMPTY_BOX;
    this.undone.push(step);
    return step.toReversed().reduce((box, edit) => union(box, this.run(invertEdit(edit))), EMPTY_BOX);
  }

  private stepForward(): Box {
    const step = this.undone.pop();
    if (!step) return EMPTY_BOX;
    this.done.push(step);
    return step.reduce((box, edit) => union(box, this.run(edit)), EMPTY_BOX);
  }

  private run(edit: Edit): Box {
    apply(this.labels, edit.patch);
    this.count(edit.patch);
    this.setStatus(edit.status);
    const { width, height } = this.labels;
    const isLocal = restyledBy(edit).length === 0;
    return isLocal ? boxOfPatch(edit.patch, width) : { x0: 0, y0: 0, x1: width, y1: height };
  }

  private setStatus(changes: readonly StatusChange[]): void {
    for (const { label, after } of changes) {
      if (after === null) this.status.delete(label);
      else this.status.set(label, after);
    }
  }

  private changesOf(patch: Patch, given: ReadonlyMap<number, ObjectStatus | null>): StatusChange[] {
    const labels = new Set([...labelsOf(patch), ...given.keys()]);
    return [...labels].flatMap((label) => {
      const before = this.status.get(label) ?? null;
      const after = given.has(label) ? (given.get(label) ?? null) : this.followingStatus(label, before);
      return before === after ? [] : [{ label, before, after }];
    });
  }

  private followingStatus(label: number, before: ObjectStatus | null): ObjectStatus | null {
    const wasProposal = before !== null && before !== "drawn";
    if (this.sizeOf(label) === 0) return wasProposal ? "rejected" : null;
    return wasProposal ? "corrected" : "drawn";
  }

  private count(patch: Patch): void {
    if (patch.length === 0) return;
    this.sums.apply(patch);
    this.pixelRevision += 1;
  }
}
