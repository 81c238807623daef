import type { ImageRow } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { Thumb } from "../../ui/Thumb";

/** Thumbnails; those out of sight are neither laid out nor fetched. */
export function ImageGrid({ study, images }: { study: string; images: ImageRow[] }) {
  return (
    <ul className="image-grid">
      {images.map((image) => (
        <li key={image.id}>
          <Link href={studyPath(study, "images", image.id)} title={`${image.source}\n${image.spacing_text}`}>
            <Thumb src={image.thumbnail} lazy />
            <span className="image-name">{image.id}</span>
            <span className="faint small">
              {image.group} · {image.replicate}
            </span>
            <Flags image={image} />
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** What is wrong with an image: its file is gone, or how it looks. */
export function Flags({ image }: { image: ImageRow }) {
  const flags = image.quality?.flags ?? [];
  const isGone = image.zarr === null;
  if (!flags.length && !isGone) return null;
  return (
    <span className="row flags">
      {isGone && (
        <span className="chip bad" title={text.images.goneDetail(image.id)}>
          <Icon name="warn" size={11} /> {text.images.goneShort}
        </span>
      )}
      {flags.map((flag) => (
        <span key={flag} className="chip warn" title={text.flagMeaning[flag]}>
          <Icon name="warn" size={11} /> {text.flags[flag] ?? flag}
        </span>
      ))}
    </span>
  );
}
