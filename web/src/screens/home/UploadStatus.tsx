import type { Description } from "../../api/types";
import { text } from "../../app/strings";
import { bytes } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { Progress } from "../../ui/Progress";
import type { UploadState } from "./useUpload";

const words = text.create;

/** How far the files are, and what was found in them. */
export function UploadStatus({
  upload,
  found,
  looking,
}: {
  upload: UploadState | null;
  found: Description | null;
  looking: boolean;
}) {
  const progress = upload?.progress;
  const total = upload?.files.reduce((sum, { file }) => sum + file.size, 0) ?? 0;
  const formats = [...new Set((found?.images ?? []).map(({ format }) => format))].join(", ");
  return (
    <div className="stack" aria-live="polite">
      {upload && !upload.id && !upload.problem && (
        <>
          <span className="row soft">
            {words.picked(upload.files.length, bytes(total))}
            {progress && <span className="faint">{words.uploading(progress.name)}</span>}
          </span>
          <Progress done={progress?.sent ?? 0} total={total} label={words.uploading("")} />
        </>
      )}
      {looking && <span className="soft">{words.looking}</span>}
      {found && found.images.length > 0 && (
        <span className="row">
          <span className="chip good">
            <Icon name="check" size={11} /> {words.found(found.images.length, formats)}
          </span>
          <span className="soft small">{sizes(found)}</span>
        </span>
      )}
      {found && found.ignored_files.length > 0 && (
        <span className="faint small" title={found.ignored_files.slice(0, 30).join("\n")}>
          {words.ignored(found.ignored_files.length)}
        </span>
      )}
    </div>
  );
}

function sizes(found: Description): string {
  const all = new Set(found.images.map(({ axes, shape }) => `${axes} ${shape.join(" × ")}`));
  const shown = [...all].slice(0, 3).join("; ");
  return all.size > 3 ? `${shown} …` : shown;
}
