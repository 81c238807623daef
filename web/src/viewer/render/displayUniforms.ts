import { type ChannelDisplay, MOST_SHOWN } from "../display/channels";
import { colorAt } from "../display/colormaps";

/** Colours that a map is given by on the graphics card; between them it is linear. */
export const STOPS = 10;

/** Names of the uniforms: a row of stops for each channel. */
export const NAMES = Array.from({ length: MOST_SHOWN }, (_, channel) =>
  Array.from({ length: STOPS }, (_, stop) => `stop${channel}_${stop}`),
);

/** Colours and gamma of the shown channels, as the shader takes them. */
export type DisplayUniforms = Readonly<Record<string, readonly [number, number, number, number]>>;

export function displayUniforms(shown: readonly ChannelDisplay[]): DisplayUniforms {
  return Object.fromEntries(
    NAMES.flatMap((row, i) => {
      const { color, gamma } = shown[i] ?? { color: "#000000", gamma: 1 };
      return row.map((name, stop) => {
        const [r, g, b] = colorAt(color, stop / (STOPS - 1));
        return [name, [r / 255, g / 255, b / 255, gamma] as const];
      });
    }),
  );
}
