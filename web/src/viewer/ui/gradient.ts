import { colorAt, isColormap, toHex } from "../display/colormaps";

/** A CSS background that shows a colour or a colour map. */
export function gradient(color: string): string {
  if (!isColormap(color)) return color;
  const stops = Array.from({ length: 7 }, (_, i) => toHex(colorAt(color, i / 6)));
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}
