import type { Layer } from "@deck.gl/core";
import { VivLayerExtension } from "@hms-dbmi/viv";
import { type ChannelDisplay, MOST_SHOWN } from "../display/channels";
import { colorAt } from "../display/colormaps";

/** Colours that a map is given by on the graphics card; between them it is linear. */
const STOPS = 10;

// Colours travel as uniforms and not as a texture: the graphics library refuses programs that sample from
// integer and other textures, and the pixels themselves may be either.
const names = Array.from({ length: MOST_SHOWN }, (_, channel) =>
  Array.from({ length: STOPS }, (_, stop) => `stop${channel}_${stop}`),
);

const fs = `\
uniform displayUniforms {
${names.flatMap((row) => row.map((name) => `  vec4 ${name};`)).join("\n")}
} display;

vec3 display_color(int channel, float value) {
  vec4 stops[${STOPS}];
${names.map((row, i) => `  if (channel == ${i}) stops = vec4[${STOPS}](${row.map((name) => `display.${name}`).join(", ")});`).join("\n")}
  float place = pow(value, stops[0].w) * ${STOPS - 1}.0;
  int below = min(int(place), ${STOPS - 2});
  return mix(stops[below].rgb, stops[below + 1].rgb, place - float(below));
}
`;

const display = {
  name: "display",
  fs,
  uniformTypes: Object.fromEntries(names.flat().map((name) => [name, "vec4<f32>"])),
  inject: {
    // Viv's own stretch has a smallest width of 0.0005, too coarse for images scaled to 0-0.001.
    "fs:DECKGL_PROCESS_INTENSITY": `
      intensity = clamp((intensity - contrastLimits[0]) / max(contrastLimits[1] - contrastLimits[0], 1e-30), 0., 1.);
    `,
    "fs:DECKGL_MUTATE_COLOR": `
      vec3 sum = vec3(0.);
      for (int i = 0; i < NUM_CHANNELS; i++) sum += display_color(i, intensity[i]);
      rgba = vec4(min(sum, vec3(1.)), 1.);
    `,
  },
};

/** Colours and gamma of the shown channels, as the shader takes them. */
export type DisplayUniforms = Readonly<Record<string, readonly [number, number, number, number]>>;

export function displayUniforms(shown: readonly ChannelDisplay[]): DisplayUniforms {
  return Object.fromEntries(
    names.flatMap((row, i) => {
      const { color, gamma } = shown[i] ?? { color: "#000000", gamma: 1 };
      return row.map((name, stop) => {
        const [r, g, b] = colorAt(color, stop / (STOPS - 1));
        return [name, [r / 255, g / 255, b / 255, gamma] as const];
      });
    }),
  );
}

interface DisplayProps {
  display?: DisplayUniforms;
}

/** Colours of Viv's image layers by colour map and gamma, as in figures and the overview. */
export class DisplayExtension extends VivLayerExtension {
  static override extensionName = "DisplayExtension";
  static override defaultProps = { display: { type: "object", value: null, compare: true } };

  override getVivShaderTemplates() {
    return { modules: [display] };
  }

  override draw(this: Layer<DisplayProps>): void {
    for (const model of this.getModels()) model.shaderInputs.setProps({ display: this.props.display });
  }
}
