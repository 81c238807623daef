import { useEffect, useRef, useState } from "react";
import type { Raster } from "../data/pyramid";
import type { Projection, TileSource } from "../data/source";
import type { ChannelDisplay } from "../display/channels";
import { composite } from "../display/composite";
import type { View } from "../render/views";
import { words } from "../strings";

interface Props {
  readonly source: TileSource;
  readonly channels: readonly ChannelDisplay[];
  readonly place: { z: number; t: number };
  readonly projection: Projection;
  readonly view: View;
  readonly size: { width: number; height: number };
  readonly onGo: (x: number, y: number) => void;
}

const SIDE = 132;

/** The whole image, small, with a frame around what is in view. A click goes there. */
export function Overview({ source, channels, place, projection, view, size, onGo }: Props) {
  const { width, height } = source.pyramid;
  const scale = SIDE / Math.max(width, height);
  const [w, h] = [Math.max(8, width * scale), Math.max(8, height * scale)];
  const canvas = useOverviewCanvas(source, channels, place, projection);
  const half = { x: size.width / 2 ** view.zoom / 2, y: size.height / 2 ** view.zoom / 2 };
  const [left, top] = [Math.max(0, (view.x - half.x) / width), Math.max(0, (view.y - half.y) / height)];
  const [right, bottom] = [Math.min(1, (view.x + half.x) / width), Math.min(1, (view.y + half.y) / height)];
  if (left <= 0 && top <= 0 && right >= 1 && bottom >= 1) return null;
  return (
    <button
      type="button"
      className="viewer-overview"
      aria-label={words.overview}
      style={{ width: w, height: h }}
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        onGo(((event.clientX - box.x) / box.width) * width, ((event.clientY - box.y) / box.height) * height);
      }}
    >
      <canvas ref={canvas} />
      <span
        className="frame"
        style={{
          left: `${100 * left}%`,
          top: `${100 * top}%`,
          width: `max(4px, ${100 * (right - left)}%)`,
          height: `max(4px, ${100 * (bottom - top)}%)`,
        }}
      />
    </button>
  );
}

/** A canvas that shows the smallest copy of the image. */
export function useOverviewCanvas(
  source: TileSource,
  channels: readonly ChannelDisplay[],
  { z, t }: { z: number; t: number },
  projection: Projection,
) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [rasters, setRasters] = useState<ReadonlyMap<number, Raster>>(new Map());
  const key = channels.map(({ index }) => index).join();
  useEffect(() => {
    let isCurrent = true;
    const indices = key === "" ? [] : key.split(",").map(Number);
    Promise.all(indices.map(async (c) => [c, await source.overview({ c, z, t }, projection)] as const)).then(
      (found) => {
        if (isCurrent)
          setRasters(new Map(found.filter((each): each is [number, Raster] => each[1] !== null)));
      },
      // The view itself says when parts of the image cannot be read.
      () => {},
    );
    return () => {
      isCurrent = false;
    };
  }, [source, key, z, t, projection]);
  useEffect(() => {
    const first = rasters.values().next().value;
    const element = canvas.current;
    if (!element || !first) return;
    const parts = channels.flatMap((channel) => {
      const raster = rasters.get(channel.index);
      return raster ? [{ ...channel, data: raster.data }] : [];
    });
    element.width = first.width;
    element.height = first.height;
    const pixels = new ImageData(composite(parts, first.width * first.height), first.width, first.height);
    element.getContext("2d")?.putImageData(pixels, 0, 0);
  }, [rasters, channels]);
  return canvas;
}
