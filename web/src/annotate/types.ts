import type { Evidence, Problem } from "../api/types";

/** Corners of a box in pixels of the image, as the server gives them: y0, x0, y1, x1. */
export type Corners = readonly [y0: number, x0: number, y1: number, x1: number];

/** Objects of a candidate that can be shown to start from. */
export interface Proposal {
  readonly candidate: string;
  readonly evidence: Evidence;
}

/** The tile in front of the annotator. */
export interface AnnotationUnit {
  readonly unit: string;
  readonly imageName: string;
  readonly group: string;
  /** The tile itself: objects with their centre in it count. */
  readonly box: Corners;
  /** The tile with its surroundings: what is shown and can be drawn on. */
  readonly context: Corners;
  /** Size of a pixel in µm; null: uncalibrated. */
  readonly spacing: { readonly y: number; readonly x: number } | null;
  readonly proposals: readonly Proposal[];
  /** Planes of the image; with more than one the annotator chooses which to look at. */
  readonly nPlanes?: number;
}

export interface SavedTile {
  readonly unit: string;
  readonly version: number;
  readonly nObjects: number;
  /** Whether anything was new. */
  readonly changed: boolean;
}

export interface AnnotationEditorProps {
  readonly study: string;
  readonly unit: AnnotationUnit;
  /** Who draws; every annotator has an annotation of their own. */
  readonly annotator: string;
  /** What is outlined, such as "nucleus". */
  readonly object?: string;
  /** No proposals: candidates are not shown, and are not even asked for. */
  readonly blind: boolean;
  readonly onBlind?: (blind: boolean) => void;
  readonly onSaved?: (saved: SavedTile) => void;
  /** Leaves the tile, saved if there was something to save. Left out: no button. */
  readonly onNext?: () => void;
  readonly onPrevious?: () => void;
  readonly onProblem?: (problem: Problem) => void;
  /** Place of this tile among those to annotate, such as "3 of 20". */
  readonly place?: string;
}
