import { useCallback, useEffect, useRef, useState } from "react";
import type { TileSource } from "../data/source";
import { autoLimits, isRgb } from "../display/channels";
import type { ViewerState } from "./viewerState";

export type Ranges = ReadonlyMap<number, { min: number; max: number }>;

/**
 * Stretches each channel when it is first shown, and again on request. RGB pictures stay as they are.
 * Gives the range of values of each channel seen so far, and the function that stretches again.
 */
export function useLimits(
  source: TileSource,
  state: ViewerState,
  setState: (change: (state: ViewerState) => ViewerState) => void,
  onError: (error: unknown) => void,
): [Ranges, (index: number) => void] {
  const [ranges, setRanges] = useState<Ranges>(new Map());
  const asked = useRef(new Set<number>());
  const { z, t, projection } = state;
  const stretch = useCallback(
    (index: number, everyChannel: boolean) => {
      source.sample({ c: index, z, t }, projection).then((raster) => {
        const found = autoLimits(raster, { isPartial: source.pyramid.info.made !== null });
        if (!found) return;
        const { low, high, min, max } = found;
        setRanges((before) => new Map(before).set(index, { min, max }));
        setState((now) => ({
          ...now,
          channels: now.channels.map((each) =>
            each.index === index || everyChannel ? { ...each, low, high } : each,
          ),
        }));
      }, onError);
    },
    [source, z, t, projection, setState, onError],
  );
  const wasPartial = useRef(false);
  useEffect(() => {
    if (isRgb(source.pyramid)) return;
    // What was seen was a part of the image: now there is more of it.
    if (wasPartial.current) asked.current.clear();
    wasPartial.current = source.pyramid.info.made !== null;
    for (const { index, visible } of state.channels) {
      if (!visible || asked.current.has(index)) continue;
      asked.current.add(index);
      stretch(index, false);
    }
  }, [source, state.channels, stretch]);
  return [ranges, (index) => stretch(index, state.locked)];
}
