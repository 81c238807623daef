/** Where the eye is: the image pixel at the centre, and the power of two of screen pixels per image pixel. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** A part of the canvas, in CSS pixels, and how far its centre is from the centre of the picture it shows. */
export interface Pane {
  readonly x: number;
  readonly width: number;
  /** Screen pixels from the centre of the linked view to the centre of this pane. */
  readonly offset: number;
}

export type Arrangement = "single" | "side-by-side" | "swipe";

export const DEEPEST_ZOOM = 7;

/** Panes from left to right. With a swipe two panes show one picture, cut at `divide` (0 to 1). */
export function panes(arrangement: Arrangement, count: number, width: number, divide: number): Pane[] {
  if (arrangement === "swipe" && count > 1) {
    const cut = Math.round(width * Math.min(0.98, Math.max(0.02, divide)));
    return [
      { x: 0, width: cut, offset: (cut - width) / 2 },
      { x: cut, width: width - cut, offset: cut / 2 },
    ];
  }
  const shown = arrangement === "single" ? 1 : Math.max(1, count);
  const edges = Array.from({ length: shown + 1 }, (_, i) => Math.round((width * i) / shown));
  return edges.slice(0, -1).map((x, i) => ({ x, width: (edges[i + 1] as number) - x, offset: 0 }));
}

/** View of one pane from the shared one. */
export function viewOfPane({ x, y, zoom }: View, { offset }: Pane): View {
  return { x: x + offset / 2 ** zoom, y, zoom };
}

/** Shared view from what one pane shows: the inverse of `viewOfPane`. */
export function viewFromPane({ x, y, zoom }: View, { offset }: Pane): View {
  return { x: x - offset / 2 ** zoom, y, zoom };
}

/** The view that shows a box with a margin, in a pane of the given size. */
export function fitBox(
  box: { x0: number; y0: number; x1: number; y1: number },
  size: { width: number; height: number },
  margin = 0.04,
): View {
  const [w, h] = [Math.max(1e-6, box.x1 - box.x0), Math.max(1e-6, box.y1 - box.y0)];
  const scale = Math.min(size.width / w, size.height / h) * (1 - 2 * margin);
  const zoom = Math.log2(Math.max(1e-9, scale));
  return { x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2, zoom: Math.min(DEEPEST_ZOOM, zoom) };
}

/** Whether two views show the same, but for what rounding does. */
export function isSameView(a: View, b: View): boolean {
  const near = 0.5 / 2 ** a.zoom;
  return Math.abs(a.zoom - b.zoom) < 0.01 && Math.abs(a.x - b.x) < near && Math.abs(a.y - b.y) < near;
}

/** Keeps the centre on the image and the zoom between one pixel filling the screen and the image a speck. */
export function confine(view: View, image: { width: number; height: number }): View {
  const smallest = -Math.log2(Math.max(image.width, image.height, 2)) + 4;
  return {
    x: Math.min(image.width, Math.max(0, view.x)),
    y: Math.min(image.height, Math.max(0, view.y)),
    zoom: Math.min(DEEPEST_ZOOM, Math.max(Math.min(smallest, 0), view.zoom)),
  };
}

/** Image pixel under a place of a pane; whole numbers are left upper corners of pixels. */
export function toImage(
  view: View,
  pane: Pane,
  height: number,
  at: { x: number; y: number },
): { x: number; y: number } {
  const { x, y, zoom } = viewOfPane(view, pane);
  const scale = 2 ** zoom;
  return { x: x + (at.x - pane.x - pane.width / 2) / scale, y: y + (at.y - height / 2) / scale };
}
