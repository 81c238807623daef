import { useEffect, useState } from "react";
import { AnnotationApi, type TilePixels } from "../api";
import { type OpenedTile, openTile } from "../openTile";
import { IndexedDbStore } from "../store/indexedDb";
import { MemoryStore, nameOf } from "../store/memory";
import type { JournalStore, TileKey } from "../store/types";

export type TileState =
  | { readonly state: "opening" }
  | { readonly state: "failed"; readonly error: unknown }
  | { readonly state: "elsewhere" }
  | ({ readonly state: "open"; readonly api: AnnotationApi; readonly pixels: TilePixels } & OpenedTile);

let store: JournalStore | null = null;

function journalStore(): JournalStore {
  store ??= typeof indexedDB === "undefined" ? new MemoryStore() : new IndexedDbStore();
  return store;
}

/** Opens a tile for an annotator; one tab at a time, so that two cannot write one journal. */
export function useTile({ study, unit, annotator }: TileKey, attempt: number): TileState {
  const [tile, setTile] = useState<TileState>({ state: "opening" });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt opens again
  useEffect(() => {
    const key = { study, unit, annotator };
    const end = new AbortController();
    let opened: OpenedTile | null = null;
    setTile({ state: "opening" });
    const work = async () => {
      try {
        const api = new AnnotationApi(key);
        const pixels = await api.pixels();
        const found = await openTile(key, pixels, api, journalStore());
        if (end.signal.aborted) {
          found.session.close();
          return;
        }
        opened = found;
        found.session.note("opened");
        setTile({ state: "open", api, pixels, ...found });
        await new Promise((resolve) => end.signal.addEventListener("abort", resolve));
      } catch (error) {
        if (!end.signal.aborted) setTile({ state: "failed", error });
      }
    };
    void withLock(nameOf(key), end.signal, work, () => setTile({ state: "elsewhere" }));
    return () => {
      end.abort();
      opened?.session.close();
    };
  }, [study, unit, annotator, attempt]);
  return tile;
}

/** Does the work while no other tab does it for the same tile. */
async function withLock(
  name: string,
  signal: AbortSignal,
  work: () => Promise<void>,
  refused: () => void,
): Promise<void> {
  if (!navigator.locks) {
    await work();
    return;
  }
  // A tab that is just closing, or this one opening again, gives its lock back within moments.
  for (let attempt = 0; attempt < 10 && !signal.aborted; attempt++) {
    const had = await navigator.locks.request(
      `veriscope-tile ${name}`,
      { ifAvailable: true },
      async (lock) => {
        if (lock && !signal.aborted) await work();
        return lock !== null;
      },
    );
    if (had) return;
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  if (!signal.aborted) refused();
}
