import { useEffect, useState } from "react";
import type { TileSource } from "../data/source";
import { colorAt, isColormap, toHex } from "../display/colormaps";
import type { View } from "../render/views";
import { type ViewerState, viewOf } from "../state/viewerState";
import type { ViewerProps } from "../types";
import { useOverviewCanvas } from "./Overview";

interface Props extends ViewerProps {
  readonly source: TileSource;
  readonly state: ViewerState;
  readonly size: { width: number; height: number };
}

const SETTLE_MS = 120;
const MOST_PIXELS = 2048;

/** What is in view as pictures from the server, asked for a moment after the view stopped moving. */
export function RenderedPicture({ image, labels, source, state, size }: Props) {
  const { width, height } = source.pyramid;
  const now = viewOf(state, 0);
  const view = useSettled(now);
  if (size.width === 0) return null;
  const half = { x: size.width / 2 ** view.zoom / 2, y: size.height / 2 ** view.zoom / 2 };
  const y0 = Math.max(0, Math.floor(view.y - half.y));
  const x0 = Math.max(0, Math.floor(view.x - half.x));
  const y1 = Math.min(height, Math.ceil(view.y + half.y));
  const x1 = Math.min(width, Math.ceil(view.x + half.x));
  const box = image.rendered ? ([y0, x0, y1, x1] as const) : ([0, 0, height, width] as const);
  const pixels = Math.max(16, Math.min(MOST_PIXELS, Math.round((box[3] - box[1]) * 2 ** view.zoom)));
  const scale = 2 ** now.zoom;
  const style = {
    left: (box[1] - now.x) * scale + size.width / 2,
    top: (box[0] - now.y) * scale + size.height / 2,
    width: (box[3] - box[1]) * scale,
    height: (box[2] - box[0]) * scale,
  };
  // The server knows colours, not colour maps: of those it gets the brightest.
  const channels = state.channels
    .filter(({ visible }) => visible)
    .map((each) => ({ ...each, color: isColormap(each.color) ? toHex(colorAt(each.color, 1)) : each.color }));
  const { projection } = state;
  const z = projection === "none" ? state.z : projection;
  const objects = labels
    .find(({ id }) => id === state.shown[0])
    ?.rendered?.({
      box,
      width: pixels,
      z: projection === "none" ? state.z : "max",
      contour: state.look.contour,
    });
  return (
    <div className="viewer-rendered" style={style}>
      {image.rendered ? (
        <img alt="" src={image.rendered({ box, width: pixels, z, t: state.t, channels })} />
      ) : (
        <SmallestCopy source={source} state={state} />
      )}
      {objects && <img alt="" src={objects} />}
    </div>
  );
}

function SmallestCopy({ source, state }: Pick<Props, "source" | "state">) {
  const shown = state.channels.filter(({ visible }) => visible);
  return <canvas ref={useOverviewCanvas(source, shown, state, state.projection)} />;
}

function useSettled(view: View): View {
  const [settled, setSettled] = useState(view);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(view), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [view]);
  return settled;
}
