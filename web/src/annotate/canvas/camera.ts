import type { Box, Point } from "../model/labels";

/** From pixels of the tile to the screen: screen = (pixel + 0.5) × scale + offset; the 0.5 because whole numbers are centres. */
export interface Camera {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const LARGEST = 64;

/** The camera that shows a box in the middle of the screen. */
export function fitCamera(box: Box, screen: Size, margin = 16): Camera {
  const [w, h] = [box.x1 - box.x0, box.y1 - box.y0];
  const room = { x: Math.max(1, screen.width - 2 * margin), y: Math.max(1, screen.height - 2 * margin) };
  const scale = Math.min(LARGEST, room.x / w, room.y / h);
  return {
    scale,
    x: screen.width / 2 - ((box.x0 + box.x1) / 2) * scale,
    y: screen.height / 2 - ((box.y0 + box.y1) / 2) * scale,
  };
}

export function toPixel({ scale, x, y }: Camera, at: Point): Point {
  return { x: (at.x - x) / scale - 0.5, y: (at.y - y) / scale - 0.5 };
}

export function toScreen({ scale, x, y }: Camera, at: Point): Point {
  return { x: (at.x + 0.5) * scale + x, y: (at.y + 0.5) * scale + y };
}

/** Zooms by a factor and keeps the place under a point of the screen where it is. */
export function zoomAt(camera: Camera, factor: number, at: Point, image: Size, screen: Size): Camera {
  const smallest = Math.min(1, 0.5 * Math.min(screen.width / image.width, screen.height / image.height));
  const scale = Math.min(LARGEST, Math.max(smallest, camera.scale * factor));
  const real = scale / camera.scale;
  return { scale, x: at.x - (at.x - camera.x) * real, y: at.y - (at.y - camera.y) * real };
}

/** Moves the picture, but never out of sight: a quarter of the screen always shows some of it. */
export function pan(camera: Camera, dx: number, dy: number, image: Size, screen: Size): Camera {
  const keep = { x: screen.width / 4, y: screen.height / 4 };
  return {
    scale: camera.scale,
    x: Math.min(screen.width - keep.x, Math.max(keep.x - image.width * camera.scale, camera.x + dx)),
    y: Math.min(screen.height - keep.y, Math.max(keep.y - image.height * camera.scale, camera.y + dy)),
  };
}

/** Box of tile pixels that a part of the screen shows. */
export function pixelsIn({ scale, x, y }: Camera, part: Box): Box {
  return {
    x0: Math.floor((part.x0 - x) / scale),
    y0: Math.floor((part.y0 - y) / scale),
    x1: Math.ceil((part.x1 - x) / scale),
    y1: Math.ceil((part.y1 - y) / scale),
  };
}

/** Part of the screen that shows a box of tile pixels, with a border for outlines. */
export function screenOf({ scale, x, y }: Camera, box: Box, border = 4): Box {
  return {
    x0: Math.floor(box.x0 * scale + x) - border,
    y0: Math.floor(box.y0 * scale + y) - border,
    x1: Math.ceil(box.x1 * scale + x) + border,
    y1: Math.ceil(box.y1 * scale + y) + border,
  };
}
