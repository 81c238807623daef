import { TileLayer } from "@deck.gl/geo-layers";
import type { Raster } from "../data/pyramid";
import { labelsOver, type Projection, type TileSource } from "../data/source";
import { type ColumnTable, LabelBitmapLayer } from "./labelLayer";
import type { LabelStyle } from "./labelStyle";
import { tileBounds } from "./tiles";

interface LabelTilesOptions {
  readonly id: string;
  readonly source: TileSource;
  readonly look: LabelStyle;
  readonly selectedLabel: number;
  readonly table: ColumnTable;
  readonly place: { readonly z: number; readonly t: number };
  readonly projection: Projection;
  /** Power of two of screen pixels per image pixel. */
  readonly zoom: number;
  readonly onError: (error: unknown) => void;
}

/** The objects of one candidate: tiles of the resolution that the screen needs. */
export function labelTiles({
  id,
  source,
  look,
  selectedLabel,
  table,
  place,
  projection,
  zoom,
  onError,
}: LabelTilesOptions) {
  const { pyramid } = source;
  const over = labelsOver(pyramid, { ...place, projection });
  return new TileLayer<Raster>({
    id,
    tileSize: pyramid.tileSize,
    extent: [0, 0, pyramid.width, pyramid.height],
    minZoom: 1 - pyramid.levels.length,
    maxZoom: 0,
    refinementStrategy: "no-overlap",
    maxRequests: 12,
    getTileData: ({ index }) => source.tile(-index.z, index.x, index.y, over.place, over.projection),
    onTileError: onError,
    updateTriggers: {
      getTileData: [source, over.place.z, over.place.t, over.projection],
      renderSubLayers: [look, selectedLabel, table, zoom],
    },
    renderSubLayers: (props) => {
      const raster = props.data as Raster | null;
      if (!raster) return null;
      return new LabelBitmapLayer({
        id: `${props.id}-labels`,
        bounds: tileBounds(props.tile.index, raster, pyramid.tileSize),
        raster,
        look,
        selectedLabel,
        table,
        pixelScale: 2 ** (zoom - props.tile.index.z),
        pickable: false,
      });
    },
  });
}
