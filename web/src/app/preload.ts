/** Asks at once for all that an image in the viewer needs: else each part would be asked for by the one before. */
import { askEarly } from "../api/early";
import {
  candidateImagesQuery,
  candidatesQuery,
  imagesQuery,
  queryClient,
  sessionQuery,
  studyQuery,
} from "../api/queries";
import { hasWebGL2 } from "../viewer/state/webgl";
import type { Route } from "./routes";

/** Begins with it when the page is opened at an image; elsewhere the screens ask for themselves. */
export async function preload(route: Route): Promise<void> {
  if (route.page !== "study" || route.screen !== "images" || !route.item) return;
  const { study, item } = route;
  for (const part of [
    import("../screens/StudyScreen"),
    import("../screens/images/ImageView"),
    import("../screens/viewer/StudyViewer"),
    // The studies' own copies of images are packed with it.
    import("../codecs/blosc").then(({ ready }) => ready()),
  ])
    part.catch(() => undefined); // the screens say so when they ask for it again
  // Takes a while without a graphics card, which is spent while all this is on its way.
  setTimeout(hasWebGL2);
  const session = await queryClient.fetchQuery(sessionQuery).catch(() => null);
  if (!session?.signed_in) return;
  void queryClient.prefetchQuery(studyQuery(study));
  void preloadLabels(study);
  const images = await queryClient.fetchQuery(imagesQuery(study)).catch(() => null);
  const zarr = images?.value.images.find(({ id }) => id === item)?.zarr;
  if (zarr) askEarly(new URL(`${zarr}/zarr.json`, location.href).href);
}

async function preloadLabels(study: string): Promise<void> {
  const candidates = await queryClient.fetchQuery(candidatesQuery(study)).catch(() => []);
  for (const { id, n_images_done } of candidates)
    if (n_images_done > 0) void queryClient.prefetchQuery(candidateImagesQuery(study, id));
}
