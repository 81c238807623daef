import { FIRST_LOOK, type ObjectLook } from "../canvas/look";
import { PRESETS, type Preset } from "../keys/presets";
import { OUTLINERS, type Outliner } from "../segment/clickSegment";

/** What an annotator set once for all tiles. */
export interface Preferences {
  readonly preset: Preset;
  readonly look: ObjectLook;
  /** Radius of the brush in screen pixels where it follows the zoom, else in pixels of the tile. */
  readonly brush: number;
  readonly followsZoom: boolean;
  readonly protects: boolean;
  readonly autoLabel: boolean;
  /** How a click finds an outline. */
  readonly outliner: Outliner;
  /** Model for click-to-segment that was chosen last. */
  readonly segmenter: string | null;
}

export const FIRST_PREFERENCES: Preferences = {
  preset: "QuPath",
  look: FIRST_LOOK,
  brush: 18,
  followsZoom: true,
  protects: true,
  autoLabel: true,
  outliner: "edges",
  segmenter: null,
};

const KEY = "veriscope-annotation-preferences";
export const SMALLEST_BRUSH = 0.5;
export const LARGEST_BRUSH = 200;

export function readPreferences(): Preferences {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>;
    const preset = PRESETS.find((each) => each === found.preset) ?? FIRST_PREFERENCES.preset;
    const outliner = OUTLINERS.find((each) => each === found.outliner) ?? FIRST_PREFERENCES.outliner;
    const look = { ...FIRST_LOOK, ...found.look, isVisible: true };
    return { ...FIRST_PREFERENCES, ...found, preset, outliner, look };
  } catch {
    return FIRST_PREFERENCES;
  }
}

export function writePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // They can be set again.
  }
}

/** Brush radius in pixels of the tile at a zoom. */
export function radiusAt({ brush, followsZoom }: Preferences, scale: number): number {
  return Math.max(SMALLEST_BRUSH, followsZoom ? brush / scale : brush);
}

export function resizeBrush(preferences: Preferences, factor: number): Preferences {
  const brush = Math.min(LARGEST_BRUSH, Math.max(SMALLEST_BRUSH, preferences.brush * factor));
  return { ...preferences, brush: Math.round(10 * brush) / 10 };
}
