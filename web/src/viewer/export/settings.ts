import type { TileSource } from "../data/source";
import { type ViewerState, viewOf, visiblePanes } from "../state/viewerState";
import type { ViewerImage, ViewerLabels } from "../types";

interface Shown {
  readonly image: ViewerImage;
  readonly labels: readonly ViewerLabels[];
  readonly source: TileSource;
  readonly state: ViewerState;
  readonly size: { readonly width: number; readonly height: number };
}

/** Everything that is needed to make a figure again, as a text for people. */
export function settingsText(shown: Shown, { times, hasBar }: { times: number; hasBar: boolean }): string {
  const { image, source, state, size } = shown;
  const { pyramid } = source;
  const { spacing } = pyramid.info;
  const view = viewOf(state, 0);
  const scale = 2 ** view.zoom;
  const lines = [
    "Figure from Veriscope",
    `image: ${image.name}${image.caption ? ` (${image.caption})` : ""}`,
    `size: ${pyramid.width} × ${pyramid.height} pixels, ${pyramid.dtype}`,
    spacing ? `pixel: ${spacing.x} × ${spacing.y} µm` : "pixel: uncalibrated",
    `part: ${part(view.x, size.width / scale)} (x), ${part(view.y, size.height / scale)} (y), in pixels`,
    `magnification: ${Number((scale * times).toPrecision(4))} figure pixels per image pixel`,
    plane(source, state),
    ...(pyramid.nTimes > 1 ? [`time: ${state.t + 1} of ${pyramid.nTimes}`] : []),
    hasBar ? "scale bar: drawn" : "scale bar: none",
    "",
    "Channels (value = raw pixel value; shown = ((value − low) / (high − low)) ^ gamma; channels are added):",
    ...state.channels
      .filter(({ visible }) => visible)
      .map(
        ({ name, color, low, high, gamma }) =>
          `  ${name}: ${color}, low ${low}, high ${high}, gamma ${gamma}`,
      ),
    "",
    ...objects(shown),
  ];
  return `${lines.filter((line, i) => line !== "" || lines[i - 1] !== "").join("\n")}\n`;
}

function part(centre: number, length: number): string {
  return `${Math.round(centre - length / 2)} to ${Math.round(centre + length / 2)}`;
}

function plane({ pyramid }: TileSource, { z, projection }: ViewerState): string {
  if (pyramid.nPlanes < 2) return "";
  if (projection !== "none")
    return `planes: ${projection === "max" ? "maximum" : "mean"} of all ${pyramid.nPlanes}`;
  return `plane: ${z + 1} of ${pyramid.nPlanes}`;
}

function objects({ labels, state }: Shown): string[] {
  return visiblePanes(state).map((id, i) => {
    const found = labels.find((each) => each.id === id);
    if (!found) return `Pane ${i + 1}: image only`;
    const { opacity, contour } = state.look;
    const color = state.column === null ? "random colours" : `colour by ${state.column}`;
    return `Pane ${i + 1}: objects of ${found.name} (${found.evidence}), ${color}, fill ${Math.round(100 * opacity)} %, outline ${contour} px`;
  });
}
