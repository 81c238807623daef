import { describe, expect, it } from "vitest";
import type { Pyramid } from "../data/pyramid";
import { TileSource } from "../data/source";
import { initialState } from "../state/viewerState";
import { settingsText } from "./settings";

const pyramid = {
  width: 1000,
  height: 800,
  nChannels: 1,
  nPlanes: 5,
  nTimes: 1,
  dtype: "uint16",
  info: { channels: [], spacing: null },
} as unknown as Pyramid;

describe("the settings text of a figure", () => {
  it("says everything that is needed to make it again", () => {
    const state = initialState(pyramid, ["cp"], { x: 500, y: 400, zoom: 1 });
    const text = settingsText(
      {
        image: { id: "a", name: "well A1", zarr: "", caption: "treated" },
        labels: [{ id: "cp", name: "Cellpose", zarr: "", evidence: "audited" }],
        source: new TileSource(pyramid),
        state: { ...state, projection: "max" },
        size: { width: 400, height: 200 },
      },
      { times: 2, hasBar: true },
    );
    expect(text).toBe(`Figure from Veriscope
image: well A1 (treated)
size: 1000 × 800 pixels, uint16
pixel: uncalibrated
part: 400 to 600 (x), 350 to 450 (y), in pixels
magnification: 4 figure pixels per image pixel
planes: maximum of all 5
scale bar: drawn

Channels (value = raw pixel value; shown = ((value − low) / (high − low)) ^ gamma; channels are added):
  Intensity: grey, low 0, high 65535, gamma 1

Pane 1: objects of Cellpose (audited), random colours, fill 25 %, outline 1.5 px
`);
  });
});
