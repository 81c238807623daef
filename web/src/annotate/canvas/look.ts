import { labelColor } from "../../viewer/render/labelStyle";
import type { ObjectStatus } from "../model/edit";

/** How the objects of a tile are drawn. */
export interface ObjectLook {
  /** 0 to 1. */
  readonly fill: number;
  /** Width of outlines in screen pixels, 0: none. */
  readonly outline: number;
  readonly seed: number;
  readonly isVisible: boolean;
}

export const FIRST_LOOK: ObjectLook = { fill: 0.28, outline: 1.6, seed: 0, isVisible: true };

/** Colours of proposals that nobody has decided on; dashed as well, so that not colour alone tells. */
const PROPOSED: readonly [number, number, number] = [255, 209, 102];

export function objectColor(
  label: number,
  status: ObjectStatus | undefined,
  seed: number,
): readonly [number, number, number] {
  return status === "proposed" ? PROPOSED : labelColor(label, seed);
}
