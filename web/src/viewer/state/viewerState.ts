import type { Pyramid } from "../data/pyramid";
import { type Projection, whyNoProjection } from "../data/source";
import { type ChannelDisplay, initialChannels } from "../display/channels";
import { FIRST_STYLE, type LabelStyle } from "../render/labelStyle";
import type { Arrangement, View } from "../render/views";
import type { PlaneOfStack } from "../types";

/** Everything that a person can set in the viewer; the pixels are no part of it. */
export interface ViewerState {
  readonly channels: readonly ChannelDisplay[];
  readonly locked: boolean;
  readonly z: number;
  readonly t: number;
  readonly projection: Projection;
  readonly arrangement: Arrangement;
  readonly linked: boolean;
  /** Labels of each pane, null for the image alone. */
  readonly shown: readonly (string | null)[];
  /** Where a swipe cuts, 0 to 1. */
  readonly divide: number;
  readonly look: LabelStyle;
  readonly column: string | null;
  /** One view for all panes, or one each. */
  readonly views: readonly View[];
}

export const MOST_PANES = 4;

export function initialState(
  pyramid: Pyramid,
  shown: readonly string[],
  view: View,
  at?: PlaneOfStack,
): ViewerState {
  const projection = typeof at?.z === "string" && whyNoProjection(pyramid) === null ? at.z : "none";
  return {
    channels: initialChannels(pyramid),
    locked: false,
    z: typeof at?.z === "number" ? at.z : Math.floor((pyramid.nPlanes - 1) / 2),
    t: at?.t ?? 0,
    projection,
    arrangement: shown.length > 1 ? "side-by-side" : "single",
    linked: true,
    shown: shown.length > 0 ? shown.slice(0, MOST_PANES) : [null],
    divide: 0.5,
    look: FIRST_STYLE,
    column: null,
    views: [view],
  };
}

/** Whether objects found in a plane of a stack lie where one is: at their time, and in their plane. */
export function hasObjects(
  at: PlaneOfStack | undefined,
  { z, t, projection }: Pick<ViewerState, "z" | "t" | "projection">,
): boolean {
  if (!at) return true;
  if (at.t !== null && at.t !== t) return false;
  return typeof at.z !== "number" || projection !== "none" || at.z === z;
}

/** Labels of the panes that the arrangement shows: one, two for a swipe, or all. */
export function visiblePanes({ arrangement, shown }: ViewerState): readonly (string | null)[] {
  if (arrangement === "single") return shown.slice(0, 1);
  if (arrangement === "swipe") return [shown[0] ?? null, shown[1] ?? null];
  return shown;
}

/** View of a pane; panes without one of their own have that of the first. */
export function viewOf({ views, linked }: ViewerState, pane: number): View {
  return (linked ? views[0] : (views[pane] ?? views[0])) as View;
}

export function withView(state: ViewerState, pane: number, view: View): ViewerState {
  if (state.linked || state.arrangement === "swipe") return { ...state, views: [view] };
  const views = visiblePanes(state).map((_, i) => (i === pane ? view : viewOf(state, i)));
  return { ...state, views };
}

/** Changes the arrangement; side by side and swipe start with two panes and one view. */
export function arrange(
  state: ViewerState,
  arrangement: Arrangement,
  available: readonly string[],
): ViewerState {
  const shown = [...state.shown];
  if (arrangement !== "single" && shown.length < 2) {
    shown.push(available.find((id) => !shown.includes(id)) ?? null);
  }
  const linked = arrangement === "swipe" ? true : state.linked;
  return { ...state, arrangement, shown, linked, views: [viewOf(state, 0)] };
}

export function showInPane(state: ViewerState, pane: number, id: string | null): ViewerState {
  const shown = Array.from({ length: Math.max(state.shown.length, pane + 1) }, (_, i) =>
    i === pane ? id : (state.shown[i] ?? null),
  );
  return { ...state, shown };
}

/** What is kept for the next image of the study: how it looks, not where one is. */
export type Kept = Pick<ViewerState, "look" | "locked" | "projection"> & {
  readonly channels: readonly ChannelDisplay[];
};

export function keptOf({ look, locked, projection, channels }: Kept): Kept {
  return { look, locked, projection, channels };
}

/** Puts kept display settings onto an image that has the same channels; limits stay those of the image. */
export function withKept(state: ViewerState, kept: Kept | null): ViewerState {
  if (!kept) return state;
  const same =
    kept.channels.length === state.channels.length &&
    state.channels.every(({ name }, i) => kept.channels[i]?.name === name);
  const channels = same
    ? state.channels.map((channel, i) => {
        const { visible, color, gamma } = kept.channels[i] as ChannelDisplay;
        return { ...channel, visible, color, gamma };
      })
    : state.channels;
  return {
    ...state,
    channels,
    look: { ...FIRST_STYLE, ...kept.look, selectedOnly: false },
    locked: kept.locked,
  };
}
