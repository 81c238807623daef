import type { ChannelDisplay } from "../../viewer/display/channels";
import { composite } from "../../viewer/display/composite";
import type { TilePixels } from "../api";

/** Draws the tile's picture with the display settings, one canvas pixel for each pixel. */
export function drawPicture(
  canvas: HTMLCanvasElement,
  pixels: TilePixels,
  channels: readonly ChannelDisplay[],
): void {
  const { width, height } = pixels;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const parts = channels.flatMap((channel) => {
    const data = pixels.channels[channel.index]?.data;
    return channel.visible && data ? [{ ...channel, data }] : [];
  });
  canvas.getContext("2d")?.putImageData(new ImageData(composite(parts, width * height), width, height), 0, 0);
}
