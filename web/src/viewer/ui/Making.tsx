import type { ImageInfo } from "../data/metadata";
import { words } from "../strings";

/** How far the lower resolutions of an image are, and which of the file's own cannot be used. */
export function Making({ info }: { info: Pick<ImageInfo, "made" | "notes"> }) {
  if (info.made === null && info.notes.length === 0) return null;
  return (
    <div className="viewer-making">
      {info.made !== null && <p role="status">{words.making(info.made)}</p>}
      {info.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </div>
  );
}
