import type { Box, Point } from "../model/labels";
import type { Overwrite } from "../model/operations";
import type { TileSession } from "../tileSession";

export const TOOLS = [
  "pan",
  "pick",
  "brush",
  "erase",
  "polygon",
  "lasso",
  "fill",
  "click-segment",
  "model",
  "split",
  "merge",
  "delete",
] as const;

export type ToolName = (typeof TOOLS)[number];

/** How tools behave; a person sets this. */
export interface ToolSettings {
  readonly tool: ToolName;
  /** Radius of brush and eraser in pixels of the tile. */
  readonly radius: number;
  readonly overwrite: Overwrite;
  /** A stroke that starts in an object goes on with it, one that starts outside makes a new one. */
  readonly autoLabel: boolean;
  /** Object that is drawn on; null: the next stroke makes a new one. */
  readonly label: number | null;
  readonly selected: ReadonlySet<number>;
}

/** What a tool may do beside changing pixels. */
export interface ToolHost {
  readonly session: TileSession;
  settings(): ToolSettings;
  setLabel(label: number | null): void;
  select(labels: Iterable<number>): void;
  /** Line to draw while a gesture goes on; null: none. */
  preview(points: readonly Point[] | null, isClosed: boolean): void;
  /** Points at an object of which a model proposes the outline. */
  prompt(gesture: PromptGesture): void;
  /** Finds the object under points, in a worker; the tool applies it. */
  segment(request: SegmentGesture): void;
}

export interface SegmentGesture {
  readonly inside: readonly Point[];
  readonly outside: readonly Point[];
  readonly label: number;
  /** Continues the object of the click before. */
  readonly refines: boolean;
}

/** A place inside or outside of an object, or a box around it, in edges of pixels. */
export type PromptGesture = { readonly at: Point; readonly inside: boolean } | { readonly box: Box };

export interface Modifiers {
  readonly shift: boolean;
  readonly alt: boolean;
  readonly ctrl: boolean;
}

/** From press to release. */
export interface Gesture {
  move(at: Point): void;
  end(at: Point): void;
  /** The pointer was taken away: what was done stays, and can be undone. */
  cancel(): void;
}
