import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { ImageRow } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Link } from "../../ui/Link";
import { Flags } from "./ImageGrid";
import type { Editable, useEdits } from "./useEdits";

const words = text.images;
const ROW = 44;

interface Props {
  study: string;
  images: ImageRow[];
  /** Null: groups are fixed or may not be changed. */
  edits: ReturnType<typeof useEdits> | null;
}

/** The sample sheet, edited in place; only the rows in sight are drawn. */
export function ImageTable({ study, images, edits }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: images.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  return (
    <div className="card sheet" role="table" aria-label={words.sheet} aria-rowcount={images.length + 1}>
      <div role="rowgroup">
        <div className="sheet-row head" role="row">
          {[words.image, words.groupColumn, words.replicate, words.size, words.pixelSize, words.quality].map(
            (name) => (
              <span key={name} role="columnheader">
                {name}
              </span>
            ),
          )}
        </div>
      </div>
      <div
        className="sheet-body"
        ref={box}
        role="rowgroup"
        style={{ height: Math.min(620, images.length * ROW + 2) }}
      >
        <div style={{ height: rows.getTotalSize(), position: "relative" }} role="presentation">
          {rows.getVirtualItems().map((place) => {
            const image = images[place.index];
            if (!image) return null;
            return (
              <div
                key={image.id}
                className="sheet-row"
                role="row"
                style={{ height: ROW, transform: `translateY(${place.start}px)` }}
              >
                <span role="cell">
                  <img src={image.thumbnail} alt="" width="34" height="34" loading="lazy" />
                  <Link href={studyPath(study, "images", image.id)}>{image.id}</Link>
                </span>
                <EditCell image={image} field="group" edits={edits} />
                <EditCell image={image} field="replicate" edits={edits} />
                <span role="cell" className="soft number">
                  {image.axes} {image.shape.join(" × ")}
                </span>
                <span role="cell" className="soft">
                  {image.spacing_text}
                </span>
                <span role="cell">
                  <Flags image={image} />
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function EditCell({ image, field, edits }: { image: ImageRow; field: Editable; edits: Props["edits"] }) {
  if (!edits) return <span role="cell">{image[field]}</span>;
  const value = edits.valueOf(image, field);
  return (
    <span role="cell">
      <input
        className={`input small${value !== image[field] ? " changed" : ""}`}
        aria-label={words.editOf(field, image.id)}
        value={value}
        onChange={(event) => edits.set(image, field, event.target.value)}
      />
    </span>
  );
}
