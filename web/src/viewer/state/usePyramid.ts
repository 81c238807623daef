import { useEffect, useState } from "react";
import { openPyramid } from "../data/pyramid";
import { TileSource } from "../data/source";

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
    let isCurrent = true;
    const keep = (value: Opened) => isCurrent && setOpened({ key, value });
    openPyramid(url).then(
      (pyramid) => keep({ state: "open", source: new TileSource(pyramid) }),
      (error: unknown) => keep({ state: "failed", error }),
    );
    return () => {
      isCurrent = false;
    };
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
    let isCurrent = true;
    for (const { id, zarr } of labels) {
      openPyramid(zarr).then((pyramid) => {
        if (!isCurrent) return;
        setSources((before) =>
          before.get(id)?.pyramid.url === pyramid.url
            ? before
            : new Map(before).set(id, new TileSource(pyramid)),
        );
      }, onError);
    }
    return () => {
      isCurrent = false;
    };
  }, [key]);
  return sources;
}
