import { useImages } from "../../api/queries";
import type { StudyDetail } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { Link } from "../../ui/Link";
import { TrustChip } from "../../ui/TrustChip";

const words = text.candidates;
const MOST_IMAGES = 8;
const MOST_SIDES = 4;

/** The same part of an image under each candidate's outlines; a click opens them in the viewer, linked. */
export function CompareStrip({ study, ran }: { study: StudyDetail; ran: string[] }) {
  const images = useImages(study.id).data?.value.images ?? [];
  const sides = ran.slice(0, MOST_SIDES);
  const shown = spread(images, MOST_IMAGES);
  if (shown.length === 0) return null;
  return (
    <Card title={words.compare} aside={<TrustChip evidence="untested" />}>
      <p className="soft">{words.compareHint}</p>
      <ul className="compare-strip">
        {shown.map((image) => (
          <li key={image.id}>
            <Link href={studyPath(study.id, "images", image.id, { c: sides })}>
              <img className="thumb" src={image.thumbnail} alt="" loading="lazy" />
              <span className="image-name">{image.id}</span>
              <span className="faint small">{image.group}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Some of a list, evenly spread over it, so that every group has a chance to be seen. */
export function spread<T>(items: T[], most: number): T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, at) => items[Math.floor((at * items.length) / most)] as T);
}
