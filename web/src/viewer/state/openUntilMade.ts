import { openPyramid, type Pyramid } from "../data/pyramid";
import { TileSource } from "../data/source";

const PAUSE_MS = 1000;

/**
 * Opens an OME-Zarr image, and again while the server makes its lower resolutions, so that what is there by
 * then is seen. A later failure is not told: what was opened stays. Gives what stops it.
 */
export function openUntilMade(
  url: string,
  onOpen: (source: TileSource) => void,
  onError: (error: unknown) => void,
  open: (url: string) => Promise<Pyramid> = openPyramid,
): () => void {
  let isCurrent = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (isFirst: boolean) => {
    const again = () => {
      if (isCurrent) timer = setTimeout(() => look(false), PAUSE_MS);
    };
    open(url).then(
      (pyramid) => {
        if (!isCurrent) return;
        onOpen(new TileSource(pyramid));
        if (pyramid.info.made !== null) again();
      },
      (error: unknown) => {
        if (!isCurrent) return;
        if (isFirst) onError(error);
        else again();
      },
    );
  };
  look(true);
  return () => {
    isCurrent = false;
    clearTimeout(timer);
  };
}
