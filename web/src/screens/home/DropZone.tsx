import { type ReactNode, useRef } from "react";
import type { NamedFile } from "../../api/uploads";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { fromInput } from "./dropped";
import { useDrop } from "./useDrop";

interface Props {
  onFiles: (files: NamedFile[]) => void;
  big: boolean;
  children?: ReactNode;
}

/** Takes files and folders: dropped anywhere on the page, or by dialog. */
export function DropZone({ onFiles, big, children }: Props) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const over = useDrop(onFiles);

  const take = (input: HTMLInputElement) => {
    if (input.files?.length) onFiles(fromInput(input.files));
    input.value = "";
  };

  return (
    <section className={`dropzone${big ? " big" : ""}${over ? " over" : ""}`} aria-label={text.home.drop}>
      <Icon name="upload" size={big ? 34 : 22} />
      <div>
        <strong>{over ? text.home.dropNow : text.home.drop}</strong>
        <p className="faint small">{text.home.formats}</p>
      </div>
      <div className="row">
        <button type="button" className="button" onClick={() => files.current?.click()}>
          <Icon name="image" /> {text.home.files}
        </button>
        <button type="button" className="button" onClick={() => folder.current?.click()}>
          <Icon name="folder" /> {text.home.folder}
        </button>
        {children}
      </div>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        data-testid="file-input"
        aria-label={text.home.files}
        onChange={(event) => take(event.currentTarget)}
      />
      <input
        ref={(element) => {
          folder.current = element;
          element?.setAttribute("webkitdirectory", "");
        }}
        type="file"
        hidden
        aria-label={text.home.folder}
        onChange={(event) => take(event.currentTarget)}
      />
    </section>
  );
}
