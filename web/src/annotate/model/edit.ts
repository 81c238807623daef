import { invert, type Patch } from "./patch";

/** What became of an object, or how it came to be. */
export type ObjectStatus = "drawn" | "proposed" | "accepted" | "corrected" | "rejected";

/** A change of status; `null` is an object that is not there (yet, or any more). */
export interface StatusChange {
  readonly label: number;
  readonly before: ObjectStatus | null;
  readonly after: ObjectStatus | null;
}

/** Names of what a person can do; they go into the journal. */
export type OperationName =
  | "brush"
  | "erase"
  | "fill"
  | "fill-holes"
  | "polygon"
  | "lasso"
  | "split"
  | "merge"
  | "delete"
  | "click-segment"
  | "model"
  | "accept"
  | "reject"
  | "propose"
  | "clear"
  | "restore";

/** One change: pixels, and what became of the objects. Both can be taken back. */
export interface Edit {
  readonly operation: OperationName;
  readonly patch: Patch;
  readonly status: readonly StatusChange[];
}

/** The edit that takes another back. */
export function invertEdit(edit: Edit): Edit {
  return {
    operation: edit.operation,
    patch: invert(edit.patch),
    status: edit.status.map(({ label, before, after }) => ({ label, before: after, after: before })),
  };
}

/** Labels that look another way after a change, although their pixels need not have changed. */
export function restyledBy({ status }: Pick<Edit, "status">): number[] {
  return status
    .filter(({ before, after }) => before !== null && after !== null)
    .filter(({ before, after }) => (before === "proposed") !== (after === "proposed"))
    .map(({ label }) => label);
}
