import { useMemo, useState } from "react";
import { autoLimits, type ChannelDisplay } from "../../viewer/display/channels";
import type { TilePixels } from "../api";
import { tileChannels, tileRanges } from "./channels";

/** How the picture of the tile is shown; nothing of it touches pixels or labels. */
export function useDisplay(pixels: TilePixels) {
  const [channels, onChannels] = useState<readonly ChannelDisplay[]>(() => tileChannels(pixels));
  const [locked, onLock] = useState(false);
  const ranges = useMemo(() => tileRanges(pixels), [pixels]);
  const onAuto = (index: number) => {
    const data = pixels.channels[index]?.data;
    const found = data && autoLimits({ data, width: pixels.width, height: pixels.height });
    if (!found) return;
    const { low, high } = found;
    onChannels((now) => now.map((each) => (each.index === index || locked ? { ...each, low, high } : each)));
  };
  return { channels, onChannels, locked, onLock, ranges, onAuto };
}
