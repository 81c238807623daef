import { useEffect, useState } from "react";
import { problemOf } from "../../api/client";
import type { Segmenter } from "../../api/types";
import type { AnnotationApi } from "../api";
import type { AnnotationEditorProps } from "../types";
import type { Editor } from "./useEditor";

/** Models for click-to-segment that this server offers; null while it is being asked. */
export interface Segmenters {
  readonly offered: readonly Segmenter[] | null;
  readonly chosen: Segmenter | null;
  readonly blind: boolean;
  lookAgain(): void;
}

interface Parts extends Pick<AnnotationEditorProps, "blind" | "onProblem"> {
  readonly api: AnnotationApi;
  readonly editor: Editor;
}

/** Asks which models there are when the tool is first chosen, and has the chosen one ready. Not while annotating blind. */
export function useSegmenters({ api, editor, blind, onProblem }: Parts): Segmenters {
  const [offered, setOffered] = useState<readonly Segmenter[] | null>(null);
  const { tool, prompting, preferences } = editor;
  const isUsed = tool === "model" && !blind;
  useEffect(() => {
    if (!isUsed || offered !== null) return;
    let isCurrent = true;
    api.segmenters().then(
      (found) => isCurrent && setOffered(found),
      (error: unknown) => {
        if (!isCurrent) return;
        setOffered([]);
        onProblem?.(problemOf(error));
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [isUsed, offered, api, onProblem]);
  const chosen = offered?.find(({ name }) => name === preferences.segmenter) ?? offered?.[0] ?? null;
  const name = isUsed ? (chosen?.name ?? null) : null;
  useEffect(() => prompting.use(name), [prompting, name]);
  return { offered, chosen, blind, lookAgain: () => setOffered(null) };
}
