import { useState } from "react";
import { useFolders } from "../../api/queries";
import { text } from "../../app/strings";
import { Dialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { Loaded } from "../../ui/Loaded";

const words = text.folders;

/** Walk the folders that the server may read, and take one. */
export function FolderPicker({ onPick, onClose }: { onPick: (path: string) => void; onClose: () => void }) {
  const [path, setPath] = useState("");
  const listing = useFolders(path, true);
  return (
    <Dialog label={words.title} onClose={onClose}>
      <h2>{words.title}</h2>
      <Loaded query={listing}>
        {(folder) => (
          <>
            <code className="soft">{folder.path}</code>
            <ul className="folder-list">
              {folder.parent !== null && (
                <li>
                  <button type="button" className="button plain" onClick={() => setPath(folder.parent ?? "")}>
                    <Icon name="left" /> {words.up}
                  </button>
                </li>
              )}
              {folder.folders.map((inner) => (
                <li key={inner.path}>
                  <button type="button" className="button plain" onClick={() => setPath(inner.path)}>
                    <Icon name="folder" /> {inner.name}
                  </button>
                </li>
              ))}
            </ul>
            <div className="row">
              <button
                type="button"
                className="button primary"
                disabled={folder.images.length === 0 || folder.path === null}
                onClick={() => folder.path !== null && onPick(folder.path)}
              >
                {folder.images.length ? words.use(folder.images.length) : words.none}
              </button>
              <button type="button" className="button" onClick={onClose}>
                {text.cancel}
              </button>
              {folder.n_other > 0 && <span className="faint small">{words.other(folder.n_other)}</span>}
            </div>
          </>
        )}
      </Loaded>
    </Dialog>
  );
}
