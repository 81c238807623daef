import { useQueries } from "@tanstack/react-query";
import { memo, useCallback, useMemo, useState } from "react";
import { api, getJson } from "../../api/client";
import { candidateImagesQuery, useCandidates } from "../../api/queries";
import type { ImageRow, StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { Message } from "../../ui/Message";
import { Viewer } from "../../viewer";
import type {
  ColumnValues,
  RenderedLabels,
  RenderedView,
  SelectedObject,
  ViewerLabels,
} from "../../viewer/types";
import { StackChoice } from "./StackChoice";
import { useObjectColumns } from "./useObjectColumns";

interface Props {
  study: StudyDetail;
  image: ImageRow;
  /** Candidates shown at first; none: the best one that has run. */
  shown?: string[];
  /** A place to go to: "y0,x0,y1,x1". */
  box?: string | null;
  selected?: SelectedObject | null;
  onSelect?: (object: SelectedObject | null) => void;
}

/** The viewer, given an image of a study and what the candidates outlined in it. */
export default memo(StudyViewer);

function StudyViewer({ study, image, shown, box, selected, onSelect }: Props) {
  const asked = useCandidates(study.id);
  const candidates = asked.data;
  const ran = useMemo(
    () =>
      [...(candidates ?? [])]
        .filter((row) => row.n_images_done > 0)
        .sort((a, b) => (a.rank ?? 99) - (b.rank ?? 99)),
    [candidates],
  );
  const files = useQueries({
    queries: ran.map(({ id }) => candidateImagesQuery(study.id, id)),
    combine: (found) => ({
      waiting: found.some(({ isPending }) => isPending),
      zarr: found.map(({ data }) => data?.find(({ id }) => id === image.id)?.labels ?? null),
    }),
  });
  const columns = useObjectColumns(
    study.id,
    ran.map(({ id }) => id),
  );
  const { zarr } = files;
  const labels = useMemo(
    () =>
      ran.flatMap(({ id, evidence }, at): ViewerLabels[] => {
        const found = zarr[at];
        if (!found) return [];
        const rendered: ViewerLabels["rendered"] = (view) => overlayUrl(study.id, image.id, id, view);
        return [{ id, name: id, zarr: found, evidence, columns: columns[id] ?? [], rendered }];
      }),
    [ran, zarr, columns, study.id, image.id],
  );
  const waiting = asked.isPending || files.waiting;
  const loadColumn = useCallback(
    (candidate: string, column: string) => {
      const query = new URLSearchParams({ candidate, column, image: image.id });
      return getJson<ColumnValues>(`${api("studies", study.id, "objects", "values")}?${query}`);
    },
    [study.id, image.id],
  );
  const focus = useMemo(() => readBox(box), [box]);
  const [isWhole, setWhole] = useState(false);
  const stack = isWhole ? image.stack : null;
  if (!image.zarr)
    return (
      <div className="page">
        <Message tone="bad" title={text.images.gone}>
          {text.images.goneDetail(image.id)} {image.notes}
        </Message>
      </div>
    );
  if (waiting) return <div className="skeleton" />;
  const first = labels[0];
  const viewer = (
    <Viewer
      key={`${image.id} ${stack?.zarr}`}
      image={{
        id: image.id,
        name: image.id,
        zarr: stack?.zarr ?? image.zarr,
        caption: `${image.group} · ${image.replicate}`,
        rendered: (view) => renderedUrl(study.id, image.id, view, stack !== null),
        ...(stack ? { at: stack } : {}),
      }}
      labels={labels}
      shown={shown?.length ? shown : first ? [first.id] : []}
      loadColumn={loadColumn}
      selected={selected}
      onSelect={onSelect}
      focus={focus}
      keep={study.id}
    />
  );
  if (!image.stack) return viewer;
  return (
    <div className="stack-view">
      <StackChoice plane={image.stack} isWhole={isWhole} onWhole={setWhole} />
      {viewer}
    </div>
  );
}

function renderedUrl(study: string, image: string, view: RenderedView, isStack: boolean): string {
  const [y0, x0, y1, x1] = view.box.map(Math.round);
  const query = new URLSearchParams({ y0: `${y0}`, x0: `${x0}`, y1: `${y1}`, x1: `${x1}` });
  query.set("width", String(view.width));
  query.set("z", String(view.z));
  query.set("t", String(view.t));
  if (isStack) query.set("stack", "true");
  query.set("gamma", String(view.channels[0]?.gamma ?? 1));
  for (const { index, low, high, color } of view.channels) {
    query.append("channel", String(index));
    query.append("low", String(low));
    query.append("high", String(high));
    query.append("color", color.replace("#", ""));
  }
  return `${api("studies", study, "images", image, "tile")}?${query}`;
}

function overlayUrl(study: string, image: string, candidate: string, view: RenderedLabels): string {
  const [y0, x0, y1, x1] = view.box.map(Math.round);
  const query = new URLSearchParams({ candidate, y0: `${y0}`, x0: `${x0}`, y1: `${y1}`, x1: `${x1}` });
  query.set("width", String(view.width));
  query.set("z", String(view.z));
  query.set("contour", String(Math.round(view.contour)));
  return `${api("studies", study, "images", image, "overlay")}?${query}`;
}

/** Read "y0,x0,y1,x1"; null if it is not four numbers. */
export function readBox(box: string | null | undefined) {
  const [y0, x0, y1, x1, ...more] = (box ?? "").split(",").map(Number);
  if (x1 === undefined || more.length || [y0, x0, y1, x1].some((edge) => !Number.isFinite(edge))) return null;
  return { y0: y0 as number, x0: x0 as number, y1: y1 as number, x1 };
}
