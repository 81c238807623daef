import { project32, type UpdateParameters } from "@deck.gl/core";
import { BitmapLayer } from "@deck.gl/layers";
import type { Device, Texture } from "@luma.gl/core";
import type { Raster } from "../data/pyramid";
import { type ColumnColors, type LabelStyle, TABLE_WIDTH } from "./labelStyle";

/** A colour table on the graphics card, made once for all tiles. */
export class ColumnTable {
  private texture: Texture | null = null;
  private readonly colors: ColumnColors | null;

  constructor(colors: ColumnColors | null) {
    this.colors = colors;
  }

  get isUsed(): boolean {
    return this.colors !== null;
  }

  on(device: Device): Texture {
    this.texture ??= device.createTexture({
      width: this.colors ? TABLE_WIDTH : 1,
      height: this.colors?.rows ?? 1,
      format: "rgba8uint",
      data: this.colors?.table ?? new Uint8Array(4),
      sampler: { minFilter: "nearest", magFilter: "nearest" },
    });
    return this.texture;
  }

  destroy(): void {
    this.texture?.destroy();
    this.texture = null;
  }
}

const uniforms = `\
uniform labelImageUniforms {
  float fillOpacity;
  float contour;
  float screenScale;
  float seed;
  float selected;
  float selectedOnly;
  float hasTable;
} labelImage;
`;

const labelImage = {
  name: "labelImage",
  fs: uniforms,
  vs: uniforms,
  uniformTypes: {
    fillOpacity: "f32",
    contour: "f32",
    screenScale: "f32",
    seed: "f32",
    selected: "f32",
    selectedOnly: "f32",
    hasTable: "f32",
  },
} as const;

const vs = `#version 300 es
#define SHADER_NAME label-layer-vertex
in vec2 texCoords;
in vec3 positions;
in vec3 positions64Low;
out vec2 vTexCoord;
void main(void) {
  geometry.worldPosition = positions;
  geometry.uv = texCoords;
  gl_Position = project_position_to_clipspace(positions, positions64Low, vec3(0.0), geometry.position);
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
  vTexCoord = texCoords;
}
`;

const fs = `#version 300 es
#define SHADER_NAME label-layer-fragment
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D labels;
uniform usampler2D columnTable;
in vec2 vTexCoord;
out vec4 fragColor;

// The same arithmetic as labelColor in labelStyle.ts.
vec3 label_color(uint label, uint seed) {
  uint hash = (label * 0x9e3779b1u) ^ ((seed + 1u) * 0x85ebca6bu);
  hash = (hash ^ (hash >> 15)) * 0x2c1b3c6du;
  hash = hash ^ (hash >> 12);
  float hue = float(hash & 0xffffu) / 65536.0;
  float light = 0.55 + 0.25 * float((hash >> 16) & 0xffu) / 255.0;
  float chroma = 0.9 * (1.0 - abs(2.0 * light - 1.0));
  vec3 place = mod(hue * 6.0 + vec3(0.0, 4.0, 2.0), 6.0);
  return light + chroma * (clamp(abs(place - 3.0) - 1.0, 0.0, 1.0) - 0.5);
}

uint label_at(ivec2 place, ivec2 size) {
  return texelFetch(labels, clamp(place, ivec2(0), size - 1), 0).r;
}

// Whether another object is within reach: outlines are as wide on screen at any zoom, at least a pixel.
bool is_edge(uint label, vec2 place, ivec2 size, float reach) {
  for (int i = 0; i < 16; i++) {
    float angle = float(i) * 0.39269908;
    vec2 probe = place + reach * vec2(cos(angle), sin(angle));
    if (label_at(ivec2(floor(probe)), size) != label) return true;
  }
  return false;
}

void main(void) {
  ivec2 size = textureSize(labels, 0);
  vec2 place = vTexCoord * vec2(size);
  uint label = label_at(ivec2(floor(place)), size);
  bool chosen = label == uint(labelImage.selected);
  if (label == 0u || (labelImage.selectedOnly > 0.5 && !chosen)) discard;
  vec3 color = label_color(label, uint(labelImage.seed));
  if (labelImage.hasTable > 0.5) {
    ivec2 rows = textureSize(columnTable, 0);
    ivec2 entry = ivec2(int(label % ${TABLE_WIDTH}u), int(label / ${TABLE_WIDTH}u));
    uvec4 found = entry.y < rows.y ? texelFetch(columnTable, entry, 0) : uvec4(0u);
    color = found.a > 0u ? vec3(found.rgb) / 255.0 : vec3(0.5);
  }
  float width = chosen ? max(labelImage.contour, 1.0) + 1.5 : labelImage.contour;
  bool edge = width > 0.0 && is_edge(label, place, size, width * labelImage.screenScale);
  if (chosen && edge) color = vec3(1.0);
  float alpha = edge ? 1.0 : (chosen ? max(labelImage.fillOpacity, 0.12) : labelImage.fillOpacity);
  if (alpha <= 0.0) discard;
  fragColor = vec4(color, alpha);
}
`;

interface Props {
  raster: Raster;
  /** Screen pixels per pixel of the raster. */
  pixelScale: number;
  look: LabelStyle;
  selectedLabel: number;
  table: ColumnTable;
}

interface State {
  labels?: Texture;
}

/**
 * Draws a part of a label image straight from its numbers: colours, outlines, selection and measured
 * values are found for each screen pixel, so 100,000 objects cost as much as ten.
 */
export class LabelBitmapLayer extends BitmapLayer<Props> {
  static override layerName = "LabelBitmapLayer";
  static override defaultProps = {
    raster: { type: "object", value: null, compare: true },
    look: { type: "object", value: null, compare: true },
    table: { type: "object", value: null, compare: true },
    // biome-ignore lint/suspicious/noExplicitAny: deck.gl's default props are loosely typed
  } as any;

  override getShaders() {
    return { ...super.getShaders(), vs, fs, modules: [project32, labelImage] };
  }

  override updateState(parameters: UpdateParameters<this>): void {
    super.updateState(parameters);
    if (parameters.props.raster === parameters.oldProps.raster) return;
    const state = this.state as State;
    state.labels?.destroy();
    const { data, width, height } = parameters.props.raster;
    state.labels = this.context.device.createTexture({
      width,
      height,
      format: "r32uint",
      data: data instanceof Uint32Array ? data : Uint32Array.from(data),
      sampler: { minFilter: "nearest", magFilter: "nearest" },
    });
  }

  override finalizeState(context: Parameters<BitmapLayer["finalizeState"]>[0]): void {
    super.finalizeState(context);
    (this.state as State).labels?.destroy();
  }

  override draw(): void {
    const { model } = this.state;
    const { labels } = this.state as State;
    if (!model || !labels) return;
    const { look, selectedLabel, table, pixelScale } = this.props;
    const { device, renderPass } = this.context;
    model.shaderInputs.setProps({
      labelImage: {
        fillOpacity: look.opacity,
        contour: look.contour,
        screenScale: Math.max(1 / pixelScale, 1e-3),
        seed: look.seed,
        selected: selectedLabel,
        selectedOnly: look.selectedOnly ? 1 : 0,
        hasTable: table.isUsed ? 1 : 0,
      },
    });
    model.setBindings({ labels, columnTable: table.on(device) });
    model.draw(renderPass);
  }
}
