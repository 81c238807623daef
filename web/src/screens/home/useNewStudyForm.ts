/** The few answers that a new study needs; kept while they are typed, also over a reload. */
import type { Description, NewStudyRequest, Options } from "../../api/types";
import { useDraft } from "../../app/store";
import { text } from "../../app/strings";
import {
  folderName,
  freeTitle,
  groupsFromFolders,
  groupsFromNames,
  nameFrom,
  sampleSheetOf,
} from "./grouping";
import { useSeriesForm } from "./series";
import { useStackForm } from "./stacks";

export type Grouping = "none" | "folders" | "names" | "sheet";
const FORM = "new-study/";
/** What the server says of the pixel size of a file that states none. */
const UNCALIBRATED = "uncalibrated";

export function measureText(key: string, column: string, side: string, threshold: string): string {
  const kind = key.split(":")[0] ?? key;
  if (kind === "fraction") return `fraction:${column}${side}${threshold}`;
  return key.includes(":") ? `${kind}:${column}` : key;
}

/** A positive number as a person types it, comma or point; null if it is none. */
export function positive(typed: string): number | null {
  const value = Number(typed.trim().replace(",", ".").replace(/%$/, ""));
  return typed.trim() && Number.isFinite(value) && value > 0 ? value : null;
}

type MeasureKey = "object" | "measure" | "column" | "side" | "threshold" | "tolerance";

/** What the fields of a question need, for a new study and for another question. */
export interface MeasureForm {
  values: Record<MeasureKey, string>;
  set: Record<MeasureKey, (typed: string) => void>;
  kind: Options["measures"][number] | undefined;
  faults: { tolerance: string | null };
}

const offered = (name: string, taken: readonly string[]) => (name ? freeTitle(name, taken) : "");

/** `taken` are the folders of the studies that are there. */
export function useNewStudyForm(
  files: string[],
  options: Options | undefined,
  found: Description | null,
  taken: readonly string[],
) {
  const [object, setObject] = useDraft(`${FORM}object`, "nucleus");
  const [measure, setMeasure] = useDraft(`${FORM}measure`, "count");
  const [column, setColumn] = useDraft(`${FORM}column`, "area");
  const [side, setSide] = useDraft(`${FORM}side`, ">");
  const [threshold, setThreshold] = useDraft(`${FORM}threshold`);
  const [tolerance, setTolerance] = useDraft(`${FORM}tolerance`, "5");
  const [title, setTitle] = useDraft(`${FORM}title`, offered(nameFrom(files), taken));
  const [pixel, setPixel] = useDraft(`${FORM}pixel`);
  const [channel, setChannel] = useDraft(`${FORM}channel`);

  const series = useSeriesForm(FORM, found?.images ?? []);
  const images = [...new Set((found?.images ?? []).map(({ image }) => image))];
  const byFolder = groupsFromFolders(images);
  const byName = groupsFromNames(images);
  const sheet = sampleSheetOf(files);
  const [chosen, setGrouping] = useDraft(`${FORM}groups`);
  const possible: Grouping[] = [
    ...(sheet ? ["sheet" as const] : []),
    ...(byFolder ? ["folders" as const] : []),
    ...(byName ? ["names" as const] : []),
    "none",
  ];
  const grouping = possible.find((name) => name === chosen) ?? possible[0] ?? "none";

  const channels = series.taken[0]?.channels ?? [];
  const stacks = useStackForm(FORM, series.taken);
  const kind = options?.measures.find(({ key }) => key === measure);
  const faults = {
    tolerance: tolerance.trim() && !within(positive(tolerance), 100) ? text.create.toleranceFault : null,
    pixel: pixel.trim() && positive(pixel) === null ? text.create.pixelFault : null,
    threshold:
      kind?.needs_threshold && !Number.isFinite(Number.parseFloat(threshold)) ? text.create.threshold : null,
  };

  const ownName = freeTitle(`${object} ${new Date().toISOString().slice(0, 10)}`, taken);
  const request = (skipBad: boolean): NewStudyRequest => {
    const name = title.trim() || ownName;
    const size = positive(pixel);
    const error = positive(tolerance);
    return {
      folder: folderName(name),
      title: name,
      object: object.trim() || "object",
      measure: measureText(measure, column.trim(), side, threshold.trim()),
      ...(error === null ? {} : { tolerance: error / 100 }),
      ...(grouping === "folders" && byFolder ? { assignments: byFolder } : {}),
      ...(grouping === "names" && byName ? { assignments: byName } : {}),
      ...(grouping === "sheet" && sheet ? { sheet } : {}),
      ...(size === null ? {} : { spacing: { y: size, x: size } }),
      ...(channels.length > 1 ? { channel: channel || "0" } : {}),
      ...(stacks.plane ? { plane: stacks.plane } : {}),
      ...series.request,
      skip_bad: skipBad,
    };
  };

  return {
    values: { object, measure, column, side, threshold, tolerance, title, pixel, channel, grouping },
    set: {
      object: setObject,
      measure: setMeasure,
      column: setColumn,
      side: setSide,
      threshold: setThreshold,
      tolerance: setTolerance,
      title: setTitle,
      pixel: setPixel,
      channel: setChannel,
      grouping: setGrouping,
    },
    kind,
    faults,
    isSound: Object.values({ ...faults, ...stacks.faults }).every((fault) => fault === null),
    possible,
    groups: { folders: namesOf(byFolder), names: namesOf(byName) },
    ownName,
    sheet,
    channels,
    series,
    stacks,
    uncalibrated: series.taken.some(({ spacing }) => spacing === UNCALIBRATED),
    request,
  };
}

function namesOf(assignments: { group: string }[] | null): string[] {
  return [...new Set((assignments ?? []).map(({ group }) => group))];
}

function within(value: number | null, most: number): boolean {
  return value !== null && value <= most;
}

export type NewStudyForm = ReturnType<typeof useNewStudyForm>;
export const NEW_STUDY_DRAFTS = FORM;
