import * as zarr from "zarrita";
import { type ImageInfo, MetadataError, readMetadata } from "./metadata";
import { ImageStore } from "./store";

/** Pixels of one channel and plane, row by row. */
export interface Raster {
  readonly data: PixelArray;
  readonly width: number;
  readonly height: number;
}

export type PixelArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array;

/** Which channel, plane and time; an axis that the image lacks is ignored. */
export interface Place {
  readonly c: number;
  readonly z: number;
  readonly t: number;
}

/** One resolution; level 0 is the finest, a pixel of level n is 2^n pixels wide. */
export interface Level {
  readonly width: number;
  readonly height: number;
  readonly array: zarr.Array<zarr.DataType, zarr.AsyncReadable>;
}

/** An image or label image that is read in parts, from a web address. */
export interface Pyramid {
  readonly url: string;
  readonly info: ImageInfo;
  readonly levels: readonly Level[];
  readonly width: number;
  readonly height: number;
  readonly nChannels: number;
  readonly nPlanes: number;
  readonly nTimes: number;
  /** As Zarr names it: "uint16", "float32" … */
  readonly dtype: string;
  /** Side of the squares that are read at a time, in pixels of their level. */
  readonly tileSize: number;
}

const READABLE = ["bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"];
const SMALLEST_TILE = 256;
const LARGEST_TILE = 1024;

/** Opens an OME-Zarr image; reads metadata only. */
export async function openPyramid(url: string): Promise<Pyramid> {
  const address = new URL(url, window.location.href).href.replace(/\/$/, "");
  const root = zarr.root(new ImageStore(address));
  const open = await openerOf(root);
  const group = await open(root, { kind: "group" });
  const info = readMetadata(group.attrs);
  const arrays = await Promise.all(info.paths.map((path) => open(root.resolve(path), { kind: "array" })));
  const finest = arrays[0];
  if (!finest || finest.shape.length !== info.axes.length) {
    throw new MetadataError(
      `the pixels have ${finest?.shape.length ?? 0} axes, the metadata say "${info.axes}"`,
    );
  }
  if (!READABLE.includes(finest.dtype)) {
    throw new MetadataError(`pixels of type ${finest.dtype} cannot be shown; use ${READABLE.join(", ")}`);
  }
  const size = (array: { shape: readonly number[] }, axis: string) => {
    const place = info.axes.indexOf(axis);
    return place < 0 ? 1 : (array.shape[place] as number);
  };
  return {
    url: address,
    info,
    levels: arrays.map((array) => ({ array, width: size(array, "x"), height: size(array, "y") })),
    width: size(finest, "x"),
    height: size(finest, "y"),
    nChannels: size(finest, "c"),
    nPlanes: size(finest, "z"),
    nTimes: size(finest, "t"),
    dtype: finest.dtype,
    tileSize: tileSizeOf(finest.chunks, info.axes),
  };
}

/** Zarr 3 or 2: one question here, instead of guesses per array of which half are answered "not found". */
async function openerOf(root: zarr.Location<ImageStore>): Promise<typeof zarr.open.v3> {
  if ((await root.store.get("/zarr.json")) !== undefined) return zarr.open.v3;
  if ((await root.store.get("/.zattrs")) !== undefined) return zarr.open.v2;
  throw new MetadataError(
    "there is no OME-Zarr image at its address; it may have been removed or changed since the page was opened",
  );
}

/** Reads a square of a level, clipped at the border; int64 and float64 come narrower, booleans as 0 and 1. */
export async function readTile(
  pyramid: Pyramid,
  level: number,
  column: number,
  row: number,
  place: Place,
  signal?: AbortSignal,
): Promise<Raster> {
  const found = pyramid.levels[level];
  if (!found) throw new RangeError(`level ${level} of ${pyramid.levels.length}`);
  const size = pyramid.tileSize;
  const box = {
    x: zarr.slice(column * size, Math.min((column + 1) * size, found.width)),
    y: zarr.slice(row * size, Math.min((row + 1) * size, found.height)),
  };
  const selection = [...pyramid.info.axes].map((axis) =>
    axis === "x" || axis === "y" ? box[axis] : place[axis as "c" | "z" | "t"],
  );
  const view = await zarr.get(found.array, selection, { opts: { signal } });
  if (typeof view !== "object" || !("data" in view))
    throw new MetadataError("a part of the image has no pixels");
  const isTransposed = pyramid.info.axes.indexOf("x") < pyramid.info.axes.indexOf("y");
  const [first, second] = view.shape as [number, number];
  const data = narrow(view.data as ArrayLike<number>);
  return isTransposed
    ? { data: transpose(data, first, second), width: first, height: second }
    : { data, width: second, height: first };
}

function tileSizeOf(chunks: readonly number[], axes: string): number {
  const side = Math.max(chunks[axes.indexOf("x")] ?? 0, chunks[axes.indexOf("y")] ?? 0);
  const size = 2 ** Math.round(Math.log2(Math.max(1, side)));
  return Math.min(LARGEST_TILE, Math.max(SMALLEST_TILE, size));
}

function narrow(data: ArrayLike<number>): PixelArray {
  if (data instanceof Float64Array) return Float32Array.from(data);
  if (ArrayBuffer.isView(data)) return data as PixelArray;
  return Uint8Array.from({ length: data.length }, (_, i) =>
    Number((data as { get?(i: number): unknown }).get?.(i)),
  );
}

function transpose(data: PixelArray, columns: number, rows: number): PixelArray {
  const turned = data.slice();
  for (let x = 0; x < columns; x++) {
    for (let y = 0; y < rows; y++) turned[y * columns + x] = data[x * rows + y] as number;
  }
  return turned;
}
