/**
 * In the place of Viv's own readers of TIFF and Zarr, which weigh 300 kB and more: pixels come from the tiles of
 * the server here. Only layers that the viewer does not use would call these.
 */
function unused(): never {
  throw new Error("Viv's readers are not part of this app; give layers their pixels");
}

export const SIGNAL_ABORTED = "aborted";
export const getImageSize = unused;
export const isInterleaved = unused;
