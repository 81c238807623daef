import type { ToolName } from "../tools/types";

/** Everything that a key can do. */
export type Action =
  | `tool ${ToolName}`
  | "undo"
  | "redo"
  | "delete selected"
  | "merge selected"
  | "fill holes"
  | "new label"
  | "bigger"
  | "smaller"
  | "accept"
  | "reject"
  | "next proposal"
  | "toggle objects"
  | "toggle outlines"
  | "toggle overwrite"
  | "shuffle"
  | "zoom in"
  | "zoom out"
  | "fit tile"
  | "save"
  | "done"
  | "help"
  | "cancel"
  | "close";
