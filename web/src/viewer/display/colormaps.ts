/** Colours of a channel from dark to bright; the last is named by what it is, others by their common name. */
export type Rgb = readonly [number, number, number];

const STOPS: Readonly<Record<string, readonly string[]>> = {
  grey: ["000000", "ffffff"],
  "grey, inverted": ["ffffff", "000000"],
  viridis: ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"],
  magma: ["000004", "1d1147", "51127c", "822681", "b73779", "e75263", "fc8961", "fec488", "fcfdbf"],
  inferno: ["000004", "1f0c48", "550f6d", "88226a", "ba3655", "e35933", "f98c0a", "f9c932", "fcffa4"],
  cividis: ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "fee838"],
  turbo: ["30123b", "4662d7", "36aaf9", "1ae4b6", "72fe5e", "c8ef34", "faba39", "f66b19", "ca2a04", "7a0403"],
};

export const COLORMAPS: readonly string[] = Object.keys(STOPS);

/** Colours for channels, told apart with every common kind of colour vision when two are shown at once. */
export const CHANNEL_COLORS = [
  "#ffffff",
  "#00ff66",
  "#ff2bd6",
  "#00b7ff",
  "#ffb000",
  "#ff4040",
  "#a47bff",
] as const;

export const LUT_SIZE = 256;

export function parseHex(color: string): Rgb {
  const value = Number.parseInt(color.replace("#", ""), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

export function toHex([r, g, b]: Rgb): string {
  return `#${[r, g, b].map((each) => Math.round(each).toString(16).padStart(2, "0")).join("")}`;
}

/** Whether a name is one of the maps; everything else is a colour as "#rrggbb". */
export function isColormap(name: string): boolean {
  return name in STOPS;
}

/** Colour of a value from 0 to 1 in a map, or from black to a "#rrggbb" colour. */
export function colorAt(name: string, value: number): Rgb {
  const stops = (STOPS[name] ?? ["000000", name]).map(parseHex);
  const place = Math.min(1, Math.max(0, value)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(place));
  const [a, b] = [stops[below] as Rgb, stops[below + 1] as Rgb];
  const part = place - below;
  return [0, 1, 2].map(
    (i) => (a[i] as number) + part * ((b[i] as number) - (a[i] as number)),
  ) as unknown as Rgb;
}

/** Table of 256 colours, RGBA bytes, from the low to the high limit, gamma included. */
export function lookupTable(name: string, gamma: number): Uint8Array {
  const table = new Uint8Array(4 * LUT_SIZE);
  for (let i = 0; i < LUT_SIZE; i++) {
    const [r, g, b] = colorAt(name, (i / (LUT_SIZE - 1)) ** gamma);
    table.set([Math.round(r), Math.round(g), Math.round(b), 255], 4 * i);
  }
  return table;
}
