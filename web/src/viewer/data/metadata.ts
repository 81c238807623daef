/** What an OME-Zarr group says of an image, in the words that the viewer needs. */
export interface ImageInfo {
  /** Axis letters in storage order, such as "czyx". */
  readonly axes: string;
  /** Paths of the resolutions from the finest on, each half the size of the one before along y and x. */
  readonly paths: readonly string[];
  /** Size of a pixel in µm; null: uncalibrated. */
  readonly spacing: { readonly x: number; readonly y: number; readonly z: number | null } | null;
  /** Names and colours of the channels, where they are stated. */
  readonly channels: readonly { readonly name: string; readonly color: string | null }[];
  /** How much of the lower resolutions is there, 0 to 1; null: all of it. */
  readonly made: number | null;
  /** What the file brings along and cannot be used, in sentences of the server. */
  readonly notes: readonly string[];
}

/** The metadata of a group cannot be understood; the message says what is wrong. */
export class MetadataError extends Error {}

const IN_MICROMETRES: Readonly<Record<string, number>> = {
  angstrom: 1e-4,
  nanometer: 1e-3,
  micrometer: 1,
  micron: 1,
  millimeter: 1e3,
  centimeter: 1e4,
  meter: 1e6,
};

interface Transformation {
  type?: string;
  scale?: number[];
}
interface Dataset {
  path?: string;
  coordinateTransformations?: Transformation[];
}
interface Multiscale {
  axes?: ({ name?: string; unit?: string } | string)[];
  datasets?: Dataset[];
  coordinateTransformations?: Transformation[];
}
interface Attributes {
  ome?: Attributes;
  /** What our own server says beside it. */
  veriscope?: { made?: number; notes?: string[] };
  multiscales?: Multiscale[];
  omero?: { channels?: { label?: string; color?: string }[] };
}

/** Reads the attributes of a group of OME-Zarr 0.4 (at the top) or 0.5 (under `ome`). */
export function readMetadata(attributes: unknown): ImageInfo {
  const top = (attributes ?? {}) as Attributes;
  const ome = top.ome ?? top;
  const multiscale = ome.multiscales?.[0];
  if (!multiscale?.datasets?.length) {
    throw new MetadataError("the folder has no multiscales metadata; it is not an OME-Zarr image");
  }
  const axes = (multiscale.axes ?? ["t", "c", "z", "y", "x"]).map((axis) =>
    (typeof axis === "string" ? axis : (axis.name ?? "?")).toLowerCase(),
  );
  if (!axes.includes("y") || !axes.includes("x") || axes.some((axis) => !"tczyx".includes(axis))) {
    throw new MetadataError(`axes ${axes.join(", ")} cannot be shown; they must be of t, c, z, y and x`);
  }
  return {
    axes: axes.join(""),
    paths: halvings(multiscale, axes),
    spacing: spacingOf(multiscale, axes),
    channels: (ome.omero?.channels ?? []).map(({ label, color }, i) => ({
      name: label || `channel ${i + 1}`,
      color: /^[0-9a-f]{6}$/i.test(color ?? "") ? (color as string) : null,
    })),
    made: top.veriscope?.made ?? null,
    notes: top.veriscope?.notes ?? [],
  };
}

/** The resolutions as far as each halves the one before and keeps all planes; others are not used. */
function halvings(multiscale: Multiscale, axes: readonly string[]): string[] {
  const [x, y, z] = ["x", "y", "z"].map((axis) => axes.indexOf(axis)) as [number, number, number];
  const first = scaleOf(multiscale.datasets?.[0], axes);
  const paths: string[] = [];
  for (const dataset of multiscale.datasets ?? []) {
    const scale = scaleOf(dataset, axes);
    const expected = 2 ** paths.length;
    const ratio = (axis: number) => (axis < 0 ? 1 : (scale[axis] ?? 1) / (first[axis] || 1));
    const fits = [ratio(x), ratio(y)].every((each) => Math.abs(each / expected - 1) < 0.02);
    if (paths.length > 0 && (!fits || Math.abs(ratio(z) - 1) > 0.02)) break;
    paths.push(dataset.path ?? String(paths.length));
  }
  return paths;
}

function spacingOf(multiscale: Multiscale, axes: readonly string[]): ImageInfo["spacing"] {
  const scale = scaleOf(multiscale.datasets?.[0], axes);
  const size = (axis: string): number | null => {
    const place = axes.indexOf(axis);
    const entry = multiscale.axes?.[place];
    const unit = typeof entry === "object" ? entry.unit : undefined;
    const factor = unit === undefined ? undefined : IN_MICROMETRES[unit.toLowerCase()];
    const value = scale[place];
    return factor === undefined || value === undefined || !(value > 0) ? null : value * factor;
  };
  const [x, y] = [size("x"), size("y")];
  return x === null || y === null ? null : { x, y, z: size("z") };
}

function scaleOf(dataset: Dataset | undefined, axes: readonly string[]): number[] {
  const found = dataset?.coordinateTransformations?.find(({ type }) => type === "scale")?.scale;
  return found?.length === axes.length ? found : axes.map(() => 1);
}
