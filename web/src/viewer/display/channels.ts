import type { Pyramid, Raster } from "../data/pyramid";
import { CHANNEL_COLORS } from "./colormaps";

/** How one channel looks. None of this touches the pixels. */
export interface ChannelDisplay {
  readonly index: number;
  readonly name: string;
  readonly visible: boolean;
  /** "#rrggbb", or the name of a colour map. */
  readonly color: string;
  readonly low: number;
  readonly high: number;
  readonly gamma: number;
}

/** Channels that can be on at once; more cannot be told apart by eye, and textures are limited. */
export const MOST_SHOWN = 6;

/** Percentiles between which "auto" stretches. */
export const AUTO_PERCENTILES = [0.1, 99.8] as const;

/** Channels as they look at first, before limits are known: the first few on, RGB in its own colours. */
export function initialChannels(pyramid: Pyramid): ChannelDisplay[] {
  const names = pyramid.info.channels;
  // Files often give every channel the same colour; then the colours tell nothing apart.
  const colors = names.map(({ color }) => color).filter((color) => color !== null);
  const isTold = new Set(colors).size === colors.length;
  const rgb = isRgb(pyramid);
  const [low, high] = rangeOf(pyramid.dtype);
  return Array.from({ length: pyramid.nChannels }, (_, index) => {
    const stated = names[index];
    const own = pyramid.nChannels === 1 ? "grey" : colorOf(index, isTold ? (stated?.color ?? null) : null);
    return {
      index,
      name: stated?.name ?? (pyramid.nChannels === 1 ? "Intensity" : `Channel ${index + 1}`),
      visible: index < (rgb ? 3 : Math.min(MOST_SHOWN, pyramid.nChannels > MOST_SHOWN ? 3 : MOST_SHOWN)),
      color: rgb ? (["#ff0000", "#00ff00", "#0000ff"][index] as string) : own,
      low,
      high,
      gamma: 1,
    };
  });
}

/** Whether the image is a colour picture: three 8-bit channels that are called red, green and blue. */
export function isRgb(pyramid: Pyramid): boolean {
  const names = pyramid.info.channels.map(({ name }) => name.toLowerCase());
  const named = ["red", "green", "blue"].every((name, i) => names[i] === name || names[i] === name[0]);
  return pyramid.nChannels === 3 && named;
}

/** Limits that the type of the pixels allows, as a start. */
export function rangeOf(dtype: string): [number, number] {
  const ranges: Record<string, [number, number]> = {
    bool: [0, 1],
    uint8: [0, 255],
    uint16: [0, 65535],
    uint32: [0, 4294967295],
    int8: [-128, 127],
    int16: [-32768, 32767],
    int32: [-2147483648, 2147483647],
  };
  return ranges[dtype] ?? [0, 1];
}

/**
 * Limits between two percentiles of a raster, and its smallest and largest value. Values that are no
 * numbers do not count, nor zeros where the image is there only in part; a constant raster is stretched from
 * 0, so that only 0 is black.
 */
export function autoLimits(
  raster: Raster,
  { isPartial = false } = {},
): { low: number; high: number; min: number; max: number } | null {
  const finite = Float64Array.from(raster.data as ArrayLike<number>)
    .filter((value) => Number.isFinite(value) && !(isPartial && value === 0))
    .sort();
  if (finite.length === 0) return null;
  const at = (percent: number) => finite[Math.round((percent / 100) * (finite.length - 1))] as number;
  const [min, max] = [finite[0] as number, finite.at(-1) as number];
  let [low, high] = AUTO_PERCENTILES.map(at) as [number, number];
  if (high <= low)
    [low, high] = max > min ? [min, max] : [Math.min(0, min), Math.max(min, Math.min(0, min) + 1)];
  return { low, high, min, max };
}

/** Switches a channel; when too many would be on, it stays off and the second value says so. */
export function toggle(
  channels: readonly ChannelDisplay[],
  index: number,
): { channels: readonly ChannelDisplay[]; refused: boolean } {
  const turnsOn = !channels[index]?.visible;
  const on = channels.filter(({ visible }) => visible).length;
  if (turnsOn && on >= MOST_SHOWN) return { channels, refused: true };
  return {
    channels: channels.map((each) => (each.index === index ? { ...each, visible: turnsOn } : each)),
    refused: false,
  };
}

/** Changes the look of one channel, or of all when they are locked together. */
export function adjust(
  channels: readonly ChannelDisplay[],
  index: number,
  change: Partial<Pick<ChannelDisplay, "low" | "high" | "gamma" | "color">>,
  locked: boolean,
): ChannelDisplay[] {
  const { color, ...shared } = change;
  return channels.map((each) => {
    if (each.index === index) return { ...each, ...change };
    return locked ? { ...each, ...shared } : each;
  });
}

function colorOf(index: number, stated: string | null): string {
  if (stated) return `#${stated.toLowerCase()}`;
  return CHANNEL_COLORS[(index + 1) % CHANNEL_COLORS.length] as string;
}
