import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { api } from "../../api/client";
import { useImages } from "../../api/queries";
import type { ObjectPage, StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { number } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { Loaded } from "../../ui/Loaded";
import { TrustChip } from "../../ui/TrustChip";
import type { SelectedObject } from "../../viewer/types";
import { FilterPanel } from "./FilterPanel";
import { type Filters, NO_FILTERS, nextSort, objectsQuery, type Sort } from "./filters";
import { ObjectRows } from "./ObjectRows";
import { objectOf, type Picked, SelectedRow } from "./SelectedRow";
import { useFirstPage } from "./useObjects";

const StudyViewer = lazy(() => import("../viewer/StudyViewer"));
const words = text.table;

/** Filters on top, rows on the left, the picked object in its image on the right. */
export function LinkedTable({ study, candidate }: { study: StudyDetail; candidate: string }) {
  const [filters, setFilters] = useState<Filters>(NO_FILTERS);
  const [sort, setSort] = useState<Sort | null>(null);
  const [picked, setPicked] = useState<Picked | null>(null);
  const query = useMemo(() => objectsQuery(candidate, filters, sort), [candidate, filters, sort]);
  const first = useFirstPage(study.id, query);
  const images = useImages(study.id).data?.value.images ?? [];
  const image = images.find(({ id }) => id === picked?.image) ?? images[0];

  const onSelect = useCallback(
    (object: SelectedObject | null) => {
      if (object && image) setPicked({ image: image.id, label: object.label, box: null });
    },
    [image],
  );
  // What the viewer is given stays the same while only the table changes, so that it is not drawn anew.
  const shown = useMemo(() => [candidate], [candidate]);
  const label = picked && picked.image === image?.id ? picked.label : null;
  const selected = useMemo(() => (label === null ? null : { candidate, label }), [candidate, label]);

  return (
    <div className="linked">
      <div className="linked-left">
        <Loaded query={first}>
          {(page) => (
            <>
              <FilterPanel
                study={study}
                page={page}
                filters={filters}
                onFilters={setFilters}
                query={query}
                isCurrent={!first.isPlaceholderData}
              />
              <Counts study={study.id} page={page} query={query} />
              <SelectedRow study={study.id} candidate={candidate} picked={picked} columns={page.columns} />
              <ObjectRows
                study={study.id}
                page={page}
                query={query}
                sort={sort}
                onSort={(column) => setSort(nextSort(sort, column))}
                picked={picked}
                onPick={(row) => setPicked(objectOf(page.columns, row))}
              />
            </>
          )}
        </Loaded>
      </div>
      <div className="linked-right">
        {image && (
          <Suspense fallback={<div className="skeleton" />}>
            <StudyViewer
              study={study}
              image={image}
              shown={shown}
              box={picked?.box}
              selected={selected}
              onSelect={onSelect}
            />
          </Suspense>
        )}
      </div>
    </div>
  );
}

function Counts({ study, page, query }: { study: string; page: ObjectPage; query: URLSearchParams }) {
  return (
    <div className="row">
      <strong className="number">{words.matching(number(page.matching), number(page.total))}</strong>
      <TrustChip evidence={page.evidence} />
      <span className="spacer" />
      <a className="button small" href={`${api("studies", study)}/objects.csv?${query}`} download>
        <Icon name="download" size={13} /> {words.csv}
      </a>
    </div>
  );
}
