import { useState } from "react";
import { useImages, useSession } from "../../api/queries";
import type { ImageList, StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { Loaded } from "../../ui/Loaded";
import { FilterBar } from "./FilterBar";
import { filterImages, type ImageFilter, NO_FILTER } from "./filter";
import { ImageGrid } from "./ImageGrid";
import { ImageTable } from "./ImageTable";
import { PlateMap } from "./PlateMap";
import { QuestionLine } from "./QuestionLine";
import { SaveBar } from "./SaveBar";
import { useEdits } from "./useEdits";

const words = text.images;
export type View = "grid" | "table";

/** All images of the study: look, filter, and say which group and replicate each belongs to. */
export default function ImagesScreen({ study, query }: { study: StudyDetail; query: URLSearchParams }) {
  const images = useImages(study.id);
  return (
    <div className="page">
      <QuestionLine study={study} />
      <Loaded query={images} lines={3}>
        {({ value, etag }) => (
          <Content
            study={study}
            list={value}
            etag={etag}
            first={query.get("view") === "groups" ? "table" : "grid"}
          />
        )}
      </Loaded>
    </div>
  );
}

interface ContentProps {
  study: StudyDetail;
  list: ImageList;
  etag: string | null;
  first: View;
}

function Content({ study, list, etag, first }: ContentProps) {
  const [filter, setFilter] = useState<ImageFilter>(NO_FILTER);
  const [view, setView] = useState<View>(first);
  const edits = useEdits(study.id);
  const mayEdit = useSession().data?.role === "owner" && list.editable;
  const shown = filterImages(list.images, filter);
  return (
    <>
      {list.plates.map((plate) => (
        <PlateMap
          key={plate.plate}
          study={study.id}
          plate={plate}
          images={list.images}
          chosen={filter.well}
          onChoose={(well) => setFilter({ ...filter, well })}
        />
      ))}
      <FilterBar images={list.images} filter={filter} onFilter={setFilter} view={view} onView={setView} />
      {!list.editable && list.why_not && view === "table" && <p className="soft">{list.why_not}</p>}
      {mayEdit && <SaveBar study={study.id} etag={etag} images={list.images} edits={edits} view={view} />}
      {shown.length === 0 ? (
        <div className="empty">
          {words.noneFit}
          <button type="button" className="button" onClick={() => setFilter(NO_FILTER)}>
            {words.showAll}
          </button>
        </div>
      ) : view === "grid" ? (
        <ImageGrid study={study.id} images={shown} />
      ) : (
        <ImageTable study={study.id} images={shown} edits={mayEdit ? edits : null} />
      )}
    </>
  );
}
