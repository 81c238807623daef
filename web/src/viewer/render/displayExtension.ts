import type { Layer } from "@deck.gl/core";
import { VivLayerExtension } from "@hms-dbmi/viv";
import { type DisplayUniforms, NAMES } from "./displayUniforms";

/**
 * Adds the colour of a channel: a map's stops, each weighted by how near the value is. Written out for every
 * channel and stop: without a graphics card an array that is indexed costs more than all of it.
 */
function addChannel(row: readonly string[], i: number): string {
  const first = `display.${row[0]}`;
  const terms = row.map((name, k) => `display.${name}.rgb * max(0., 1. - abs(place - ${k}.))`);
  return `
#if NUM_CHANNELS > ${i}
      {
        float place = pow(intensity[${i}], ${first}.w) * ${row.length - 1}.0;
        sum += ${terms.join("\n          + ")};
      }
#endif`;
}

// Colours travel as uniforms and not as a texture: the graphics library refuses programs that sample from
// integer and other textures, and the pixels themselves may be either.
const fs = `\
uniform displayUniforms {
${NAMES.flatMap((row) => row.map((name) => `  vec4 ${name};`)).join("\n")}
} display;
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
${NAMES.map(addChannel).join("")}
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
