import { lazy, Suspense } from "react";
import { useImages } from "../../api/queries";
import type { ImageRow, StudyDetail } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { Flags } from "./ImageGrid";

const StudyViewer = lazy(() => import("../viewer/StudyViewer"));
const words = text.images;

/** One image in the viewer, with the results of the candidates that have run. */
export default function ImageView({
  study,
  image,
  query,
}: {
  study: StudyDetail;
  image: string;
  query: URLSearchParams;
}) {
  const images = useImages(study.id);
  return (
    <Loaded query={images}>
      {({ value }) => {
        const at = value.images.findIndex(({ id }) => id === image);
        const row = value.images[at];
        if (!row) return <p className="page">{words.noSuchImage(image)}</p>;
        return (
          <div className="view-page">
            <div className="view-head">
              <Link href={studyPath(study.id)} className="button small">
                <Icon name="left" size={12} /> {words.all}
              </Link>
              <h1>{row.id}</h1>
              <span className="soft">
                {row.group} · {row.replicate} · {row.axes} {row.shape.join(" × ")} · {row.spacing_text}
              </span>
              <Flags image={row} />
              <span className="spacer" />
              <Neighbour study={study.id} row={value.images[at - 1]} icon="left" label={words.previous} />
              <Neighbour study={study.id} row={value.images[at + 1]} icon="right" label={words.next} />
            </div>
            <Suspense fallback={<div className="skeleton" />}>
              <StudyViewer study={study} image={row} shown={query.getAll("c")} box={query.get("box")} />
            </Suspense>
          </div>
        );
      }}
    </Loaded>
  );
}

interface NeighbourProps {
  study: string;
  row: ImageRow | undefined;
  icon: "left" | "right";
  label: string;
}

function Neighbour({ study, row, icon, label }: NeighbourProps) {
  if (!row)
    return (
      <span className="button small" aria-disabled="true" role="link" aria-label={label}>
        <Icon name={icon} size={12} />
      </span>
    );
  return (
    <Link
      href={studyPath(study, "images", row.id)}
      className="button small"
      aria-label={`${label}: ${row.id}`}
    >
      <Icon name={icon} size={12} />
    </Link>
  );
}
