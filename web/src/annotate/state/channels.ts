import { autoLimits, type ChannelDisplay, MOST_SHOWN } from "../../viewer/display/channels";
import { CHANNEL_COLORS } from "../../viewer/display/colormaps";
import type { TilePixels } from "../api";

/** How a tile looks at first: stretched between percentiles, colour pictures as they are. */
export function tileChannels({ channels, width, height, dtype }: TilePixels): ChannelDisplay[] {
  const isRgb =
    channels.length === 3 && channels.every(({ name }, i) => name === ["red", "green", "blue"][i]);
  return channels.map(({ name, data }, index) => {
    const found = isRgb ? null : autoLimits({ data, width, height });
    const isAlone = channels.length === 1;
    return {
      index,
      name: name || (isAlone ? "Intensity" : `Channel ${index + 1}`),
      visible: index < MOST_SHOWN,
      color: isRgb
        ? (["#ff0000", "#00ff00", "#0000ff"][index] as string)
        : isAlone
          ? "grey"
          : (CHANNEL_COLORS[(index + 1) % CHANNEL_COLORS.length] as string),
      low: found?.low ?? 0,
      high: found?.high ?? (dtype === "uint8" ? 255 : dtype === "uint16" ? 65535 : 1),
      gamma: 1,
    };
  });
}

/** Smallest and largest value of each channel, for the sliders. */
export function tileRanges(pixels: TilePixels): Map<number, { min: number; max: number }> {
  return new Map(
    pixels.channels.map(({ data }, index) => {
      const found = autoLimits({ data, width: pixels.width, height: pixels.height });
      return [index, { min: found?.min ?? 0, max: found?.max ?? 1 }];
    }),
  );
}
