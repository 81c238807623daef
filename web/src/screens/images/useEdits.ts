/** Changes of groups and replicates that are not saved yet; they outlive reload and lost connection. */
import { useMemo } from "react";
import type { ImageChange, ImageRow } from "../../api/types";
import { useApp } from "../../app/store";

export type Editable = "group" | "replicate";

export function useEdits(study: string) {
  const prefix = `images/${study}/`;
  const drafts = useApp((state) => state.drafts);
  const setDraft = useApp((state) => state.setDraft);
  const dropDrafts = useApp((state) => state.dropDrafts);
  return useMemo(() => {
    const key = (image: string, field: Editable) => `${prefix}${field}/${image}`;
    return {
      valueOf: (image: ImageRow, field: Editable) => drafts[key(image.id, field)] ?? image[field],
      set: (image: ImageRow, field: Editable, value: string) => setDraft(key(image.id, field), value),
      changes: (images: ImageRow[]) => collectChanges(images, (id, field) => drafts[key(id, field)]),
      drop: () => dropDrafts(prefix),
    };
  }, [drafts, prefix, setDraft, dropDrafts]);
}

/** What differs from the server's rows; typing back the old value is no change. */
export function collectChanges(
  images: ImageRow[],
  draftOf: (image: string, field: Editable) => string | undefined,
): ImageChange[] {
  return images.flatMap((image) => {
    const change: ImageChange = { id: image.id };
    for (const field of ["group", "replicate"] as const) {
      const typed = draftOf(image.id, field)?.trim();
      if (typed && typed !== image[field]) change[field] = typed;
    }
    return Object.keys(change).length > 1 ? [change] : [];
  });
}
