import type { Edit, ObjectStatus, OperationName } from "./edit";
import { decodePatch, encodePatch } from "./encode";
import { PatchError } from "./patch";

/**
 * One line of the journal of a tile. The journal is only ever appended to; undo and redo are lines of
 * their own, so that it tells what happened and not only what came of it.
 */
export type JournalEntry = EditEntry | StepEntry | NoteEntry;

interface Line {
  /** 0, 1, 2 … within a session. */
  readonly seq: number;
  /** Milliseconds since 1970 by the annotator's clock. */
  readonly at: number;
}

export interface EditEntry extends Line {
  readonly type: "edit";
  readonly operation: OperationName;
  /** From `encodePatch`. */
  readonly patch: string;
  /** Label, status before, status after. */
  readonly status: readonly (readonly [number, ObjectStatus | null, ObjectStatus | null])[];
  /** Belongs to the same stroke as the edit before it: both are undone together. */
  readonly continues?: true;
  /** The tile starts here: it cannot be undone, nor what was before. */
  readonly start?: true;
}

export interface StepEntry extends Line {
  readonly type: "undo" | "redo";
}

/** What the annotator was shown, and when the tile was in front of them. Changes no pixel. */
export interface NoteEntry extends Line {
  readonly type: "note";
  readonly note:
    | "opened"
    | "paused"
    | "resumed"
    | "saved"
    | "proposals-shown"
    | "proposals-hidden"
    | "model-outline"
    | "display";
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

export function editEntry(
  seq: number,
  at: number,
  edit: Edit,
  { continues, isStart }: { continues: boolean; isStart: boolean },
): EditEntry {
  return {
    seq,
    at,
    type: "edit",
    operation: edit.operation,
    patch: encodePatch(edit.patch),
    status: edit.status.map(({ label, before, after }) => [label, before, after] as const),
    ...(continues ? { continues: true as const } : {}),
    ...(isStart ? { start: true as const } : {}),
  };
}

export function editOf(entry: EditEntry): Edit {
  return {
    operation: entry.operation,
    patch: decodePatch(entry.patch),
    status: entry.status.map(([label, before, after]) => ({ label, before, after })),
  };
}

/** Entries in order, each once; a gap is an error, because what follows it cannot be trusted. */
export function inOrder(entries: Iterable<JournalEntry>): JournalEntry[] {
  const bySeq = new Map([...entries].map((entry) => [entry.seq, entry]));
  const sorted = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  sorted.forEach((entry, i) => {
    if (entry.seq !== i)
      throw new PatchError(`line ${i} of the journal is missing (the next is ${entry.seq})`);
  });
  return sorted;
}
