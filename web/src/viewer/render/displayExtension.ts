import type { Layer } from "@deck.gl/core";
import { VivLayerExtension } from "@hms-dbmi/viv";
import { type DisplayUniforms, NAMES, STOPS } from "./displayUniforms";

// Colours travel as uniforms and not as a texture: the graphics library refuses programs that sample from
// integer and other textures, and the pixels themselves may be either.
const fs = `\
uniform displayUniforms {
${NAMES.flatMap((row) => row.map((name) => `  vec4 ${name};`)).join("\n")}
} display;

vec3 display_color(int channel, float value) {
  vec4 stops[${STOPS}];
${NAMES.map((row, i) => `  if (channel == ${i}) stops = vec4[${STOPS}](${row.map((name) => `display.${name}`).join(", ")});`).join("\n")}
  float place = pow(value, stops[0].w) * ${STOPS - 1}.0;
  int below = min(int(place), ${STOPS - 2});
  return mix(stops[below].rgb, stops[below + 1].rgb, place - float(below));
}
`;

const display = {
  name: "display",
  fs,
  uniformTypes: Object.fromEntries(NAMES.flat().map((name) => [name, "vec4<f32>"])),
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
