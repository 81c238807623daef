import { Cache } from "./cache";
import { type PixelArray, type Place, type Pyramid, type Raster, readTile } from "./pyramid";

/** How the planes of a stack become one picture. */
export type Projection = "none" | "max" | "mean";

const CACHE_BYTES = 384 << 20;
/** Largest stack that is projected: pixels of all planes of one tile, and planes. */
const LARGEST_PROJECTION = 64 << 20;
const MOST_PLANES = 96;

/** Why the planes of an image cannot be projected in the browser, or null if they can. */
export function whyNoProjection(pyramid: Pyramid): string | null {
  if (pyramid.nPlanes < 2) return "The image has one plane.";
  const side = Math.min(pyramid.tileSize, Math.max(pyramid.width, pyramid.height));
  if (pyramid.nPlanes > MOST_PLANES || pyramid.nPlanes * side * side > LARGEST_PROJECTION) {
    return `${pyramid.nPlanes} planes are too many to project while you look; up to ${MOST_PLANES} can be.`;
  }
  return null;
}

/** What of a label image lies over a plane, or over all planes as one picture: the largest label then. */
export function labelsOver(
  { nPlanes, nTimes }: Pyramid,
  { z, t, projection }: Omit<Place, "c"> & { readonly projection: Projection },
): { place: Place; projection: Projection } {
  const place = { c: 0, z: Math.min(z, nPlanes - 1), t: Math.min(t, nTimes - 1) };
  return { place, projection: projection === "none" || nPlanes < 2 ? "none" : "max" };
}

/** Reads tiles of one image through a cache, single planes or projections. */
export class TileSource {
  readonly pyramid: Pyramid;
  private readonly cache = new Cache<Raster>(CACHE_BYTES, ({ data }) => data.byteLength);

  constructor(pyramid: Pyramid) {
    this.pyramid = pyramid;
  }

  tile(level: number, column: number, row: number, place: Place, projection: Projection): Promise<Raster> {
    const key = keyOf(level, column, row, place, projection);
    return this.cache.get(key, () =>
      projection === "none"
        ? readTile(this.pyramid, level, column, row, place)
        : this.project(level, column, row, place, projection),
    );
  }

  /** Value at a pixel of the finest level from what is already loaded: the finest tile that is. */
  valueAt(
    x: number,
    y: number,
    place: Place,
    projection: Projection,
  ): { value: number; level: number } | null {
    const size = this.pyramid.tileSize;
    for (let level = 0; level < this.pyramid.levels.length; level++) {
      const [px, py] = [x >> level, y >> level];
      const [column, row] = [Math.floor(px / size), Math.floor(py / size)];
      const tile = this.cache.peek(keyOf(level, column, row, place, projection));
      const value = tile?.data[(py - row * size) * tile.width + px - column * size];
      if (value !== undefined) return { value, level };
    }
    return null;
  }

  /** The coarsest level as one raster if it is small enough, for the overview and for percentiles. */
  async overview(place: Place, projection: Projection): Promise<Raster | null> {
    const level = this.pyramid.levels.length - 1;
    const { width, height } = this.pyramid.levels[level] as { width: number; height: number };
    if (width * height > 2048 * 2048) return null;
    const size = this.pyramid.tileSize;
    const [columns, rows] = [Math.ceil(width / size), Math.ceil(height / size)];
    if (columns * rows === 1) return this.tile(level, 0, 0, place, projection);
    const tiles = await Promise.all(
      Array.from({ length: columns * rows }, (_, i) =>
        this.tile(level, i % columns, Math.floor(i / columns), place, projection),
      ),
    );
    const kind = (tiles[0] as Raster).data.constructor as new (length: number) => PixelArray;
    const whole = new kind(width * height);
    tiles.forEach((tile, i) => {
      const at = Math.floor(i / columns) * size * width + (i % columns) * size;
      for (let y = 0; y < tile.height; y++) {
        whole.set(tile.data.subarray(y * tile.width, (y + 1) * tile.width), at + y * width);
      }
    });
    return { data: whole, width, height };
  }

  /** Pixels that stand for the whole plane: all of it at low resolution, or a tile of its middle. */
  async sample(place: Place, projection: Projection): Promise<Raster> {
    const whole = await this.overview(place, projection);
    if (whole) return whole;
    const level = this.pyramid.levels.length - 1;
    const { width, height } = this.pyramid.levels[level] as { width: number; height: number };
    const middle = (length: number) => Math.floor(length / 2 / this.pyramid.tileSize);
    return this.tile(level, middle(width), middle(height), place, projection);
  }

  private async project(
    level: number,
    column: number,
    row: number,
    place: Place,
    projection: Projection,
  ): Promise<Raster> {
    const planes = Array.from({ length: this.pyramid.nPlanes }, (_, z) =>
      readTile(this.pyramid, level, column, row, { ...place, z }),
    );
    return projectPlanes(await Promise.all(planes), projection);
  }
}

/** Maximum (same type) or mean (float32) over planes of the same size. */
export function projectPlanes(planes: readonly Raster[], projection: Projection): Raster {
  const first = planes[0] as Raster;
  if (projection === "max") {
    const data = first.data.slice();
    for (const plane of planes.slice(1)) {
      for (let i = 0; i < data.length; i++) {
        if ((plane.data[i] as number) > (data[i] as number)) data[i] = plane.data[i] as number;
      }
    }
    return { ...first, data };
  }
  const data = new Float32Array(first.data.length);
  for (const plane of planes) {
    for (let i = 0; i < data.length; i++)
      data[i] = (data[i] as number) + (plane.data[i] as number) / planes.length;
  }
  return { ...first, data };
}

function keyOf(
  level: number,
  column: number,
  row: number,
  { c, z, t }: Place,
  projection: Projection,
): string {
  return `${level}/${column}/${row}/${c}/${projection === "none" ? z : projection}/${t}`;
}
