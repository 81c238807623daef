import { useEffect, useState } from "react";
import type { TileSource } from "../data/source";
import { openUntilMade } from "./openUntilMade";

export type Opened =
  | { readonly state: "opening" }
  | { readonly state: "failed"; readonly error: unknown }
  | { readonly state: "open"; readonly source: TileSource };

const OPENING: Opened = { state: "opening" };

/** Opens an OME-Zarr image; a change of `attempt` tries again. */
export function useTileSource(url: string | null, attempt = 0): Opened {
  const [opened, setOpened] = useState<{ key: string; value: Opened }>({ key: "", value: OPENING });
  const key = `${url}#${attempt}`;
  useEffect(() => {
    if (url === null) return;
    return openUntilMade(
      url,
      (source) => setOpened({ key, value: { state: "open", source } }),
      (error) => setOpened({ key, value: { state: "failed", error } }),
    );
  }, [url, key]);
  return opened.key === key ? opened.value : OPENING;
}

/** Opens several label images; those that are not open yet, or failed, are missing. */
export function useLabelSources(
  labels: readonly { id: string; zarr: string }[],
  onError: (error: unknown) => void,
): ReadonlyMap<string, TileSource> {
  const [sources, setSources] = useState<ReadonlyMap<string, TileSource>>(new Map());
  const key = labels.map(({ id, zarr }) => `${id} ${zarr}`).join("\n");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what the labels are
  useEffect(() => {
    const stops = labels.map(({ id, zarr }) =>
      openUntilMade(
        zarr,
        (source) =>
          setSources((before) => {
            const there = before.get(id)?.pyramid;
            const isSame = there?.url === source.pyramid.url && there.info.made === null;
            return isSame ? before : new Map(before).set(id, source);
          }),
        onError,
      ),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }, [key]);
  return sources;
}
