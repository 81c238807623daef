import type { Evidence } from "../api/types";

/** An image as the viewer gets it: `zarr` is the root of an OME-Zarr 0.4 or 0.5 image. */
export interface ViewerImage {
  readonly id: string;
  readonly name: string;
  readonly zarr: string;
  /** Group, replicate and the like, shown beside the name and written into figures. */
  readonly caption?: string;
  /**
   * Address of a PNG of a part of the image, rendered by the server, for browsers without WebGL2. Left
   * out: the smallest copy in `zarr` is drawn on the processor.
   */
  readonly rendered?: (view: RenderedView) => string;
  /** Where in the stack its labels were found; left out: the image is what they were found in. */
  readonly at?: PlaneOfStack;
}

/** A plane of a stack, or how all were projected, and a time; null: no such axis. */
export interface PlaneOfStack {
  readonly z: number | "max" | "mean" | null;
  readonly t: number | null;
}

/** What a server-rendered picture shows; `channels` are those that are switched on. */
export interface RenderedView {
  readonly box: readonly [y0: number, x0: number, y1: number, x1: number];
  readonly width: number;
  readonly z: number | "max" | "mean";
  readonly t: number;
  readonly channels: readonly { index: number; low: number; high: number; gamma: number; color: string }[];
}

export interface RenderedLabels extends Pick<RenderedView, "box" | "width"> {
  readonly z: number | "max";
  /** Width of outlines in pixels of the picture. */
  readonly contour: number;
}

/** The objects that a candidate, or a person, outlined: `zarr` is the root of a label image. */
export interface ViewerLabels {
  readonly id: string;
  readonly name: string;
  readonly zarr: string;
  readonly evidence: Evidence;
  /** Address of a PNG of the objects in a part of a plane, or of all planes, for browsers without WebGL2. */
  readonly rendered?: (view: RenderedLabels) => string;
  /** Measured columns to colour by. */
  readonly columns?: readonly { name: string; unit: string }[];
}

/** A measured column of one image: value of each label; null where it could not be measured. */
export interface ColumnValues {
  readonly labels: readonly number[];
  readonly values: readonly (number | null)[];
  readonly unit: string;
}

export interface SelectedObject {
  readonly candidate: string;
  readonly label: number;
}

export interface ViewerProps {
  readonly image: ViewerImage;
  readonly labels: readonly ViewerLabels[];
  /** Identifiers of the labels shown at first, at most four side by side. */
  readonly shown?: readonly string[];
  readonly loadColumn?: (candidate: string, column: string) => Promise<ColumnValues>;
  readonly selected?: SelectedObject | null;
  readonly onSelect?: (object: SelectedObject | null) => void;
  /** A box to go to, in pixels of the image; a new object moves the view again. */
  readonly focus?: { x0: number; y0: number; x1: number; y1: number } | null;
  /** Display settings are kept under this name, such as the study's id. */
  readonly keep?: string;
}
