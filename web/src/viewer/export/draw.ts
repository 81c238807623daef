import type { Deck } from "@deck.gl/core";
import type { TileSource } from "../data/source";
import { scaleBar } from "../render/scale";
import type { Pane } from "../render/views";
import { type ViewerState, viewOf } from "../state/viewerState";

interface Shown {
  readonly source: TileSource;
  readonly state: ViewerState;
  readonly panes: readonly Pane[];
  readonly size: { readonly width: number; readonly height: number };
}

export interface FigureOptions {
  /** Pixels of the figure per pixel on screen. */
  readonly times: number;
  readonly hasBar: boolean;
}

/** Draws the view once more at a multiple of its size, and adds the scale bar of each pane. */
export async function drawFigure(
  deck: Deck<null>,
  shown: Shown,
  { times, hasBar }: FigureOptions,
): Promise<Blob> {
  const { state, panes, size, source } = shown;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(size.width * times);
  canvas.height = Math.round(size.height * times);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser gives no canvas of this size; choose a smaller one");
  await drawFrame(deck, times, size, (frame) => context.drawImage(frame, 0, 0, canvas.width, canvas.height));
  context.scale(times, times);
  const spacing = source.pyramid.info.spacing?.x ?? null;
  if (hasBar) {
    const separate = state.arrangement === "side-by-side";
    const places = separate ? panes : [{ x: 0, width: size.width, offset: 0 }];
    places.forEach((pane, i) => {
      drawBar(context, pane.x + pane.width - 16, size.height - 16, 2 ** viewOf(state, i).zoom, spacing);
    });
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be made"))),
      "image/png",
    );
  });
}

/** Frames after which a canvas that does not take the asked size is drawn as it is. */
const PATIENCE = 120;

/** Gives one frame at a multiple of the screen's resolution to a function, while the browser still has it. */
function drawFrame(
  deck: Deck<null>,
  times: number,
  size: Shown["size"],
  take: (frame: HTMLCanvasElement) => void,
): Promise<void> {
  const before = deck.props.useDevicePixels;
  const { onAfterRender } = deck.props;
  return new Promise((resolve, reject) => {
    let frames = 0;
    deck.setProps({
      useDevicePixels: times,
      onAfterRender: () => {
        frames += 1;
        const canvas = deck.getCanvas();
        // The canvas gets its size some frames later, and is empty until the next one is drawn.
        const isReady = canvas !== null && Math.abs(canvas.width - size.width * times) < 2 && frames > 2;
        if (canvas && !isReady && frames < PATIENCE) {
          deck.redraw("figure");
          return;
        }
        // At once: when this task ends, the browser may clear what was drawn.
        if (canvas) take(canvas);
        deck.setProps({ useDevicePixels: before, onAfterRender });
        if (canvas) resolve();
        else reject(new Error("the view is gone"));
      },
    });
    deck.redraw("figure");
  });
}

function drawBar(
  context: CanvasRenderingContext2D,
  right: number,
  bottom: number,
  zoom: number,
  spacing: number | null,
): void {
  const { length, text } = scaleBar(zoom, spacing);
  context.font = "600 13px sans-serif";
  context.textAlign = "right";
  context.lineJoin = "round";
  context.strokeStyle = "rgb(0 0 0 / 0.75)";
  context.lineWidth = 3;
  context.strokeText(text, right, bottom - 8);
  context.strokeRect(right - length, bottom - 3, length, 3);
  context.fillStyle = "white";
  context.fillText(text, right, bottom - 8);
  context.fillRect(right - length, bottom - 3, length, 3);
}
