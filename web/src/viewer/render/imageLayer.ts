import { TileLayer } from "@deck.gl/geo-layers";
import { XRLayer } from "@hms-dbmi/viv";
import type { Place, Raster } from "../data/pyramid";
import type { Projection, TileSource } from "../data/source";
import type { ChannelDisplay } from "../display/channels";
import { DisplayExtension } from "./displayExtension";
import type { DisplayUniforms } from "./displayUniforms";
import { type TileIndex, tileBounds } from "./tiles";

interface ImageLayerOptions {
  readonly id: string;
  readonly source: TileSource;
  /** Those that are shown. */
  readonly channels: readonly ChannelDisplay[];
  readonly display: DisplayUniforms;
  readonly place: Omit<Place, "c">;
  readonly projection: Projection;
  readonly onError: (error: unknown) => void;
}

const extension = new DisplayExtension();

/** The image itself: tiles of the resolution that the screen needs, drawn by Viv. */
export function imageLayer({ id, source, channels, display, place, projection, onError }: ImageLayerOptions) {
  const { pyramid } = source;
  const indices = channels.map(({ index }) => index);
  const key = `${indices.join()}/${place.z}/${place.t}/${projection}`;
  return new TileLayer<Raster[] | null>({
    id,
    tileSize: pyramid.tileSize,
    extent: [0, 0, pyramid.width, pyramid.height],
    minZoom: 1 - pyramid.levels.length,
    maxZoom: 0,
    refinementStrategy: "best-available",
    maxRequests: 12,
    getTileData: ({ index }) =>
      indices.length === 0
        ? null
        : Promise.all(
            indices.map((c) => source.tile(-index.z, index.x, index.y, { ...place, c }, projection)),
          ),
    onTileError: onError,
    updateTriggers: { getTileData: [source, key], renderSubLayers: [display, channels] },
    renderSubLayers: (props) => subLayer(props, source, channels, display),
  });
}

interface SubLayerProps {
  readonly id: string;
  readonly data?: unknown;
  readonly tile: { readonly index: TileIndex };
}

function subLayer(
  props: SubLayerProps,
  source: TileSource,
  channels: readonly ChannelDisplay[],
  display: DisplayUniforms,
) {
  const tiles = props.data as Raster[] | null;
  const first = tiles?.[0];
  // While new tiles are on their way the old ones of another set of channels may still be here.
  if (!tiles || !first || tiles.length !== channels.length || channels.length === 0) return null;
  const { index } = props.tile;
  // Of the pixels that are here: while those of another projection are on their way they may be of another type.
  const dtype = first.data.constructor.name.replace("Array", "");
  return new XRLayer({
    id: `${props.id}-pixels-${channels.length}-${dtype}`,
    channelData: { data: tiles.map(({ data }) => data), width: first.width, height: first.height },
    bounds: tileBounds(index, first, source.pyramid.tileSize),
    selections: channels.map(({ index: c }) => ({ c })),
    contrastLimits: channels.map(({ low, high }) => [low, high]),
    channelsVisible: channels.map(() => true),
    dtype,
    interpolation: "nearest",
    extensions: [extension],
    display,
    pickable: false,
    // biome-ignore lint/suspicious/noExplicitAny: Viv's types do not know props of extensions
  } as any);
}
