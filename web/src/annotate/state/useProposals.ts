import { useCallback, useEffect, useRef, useState } from "react";
import { problemOf } from "../../api/client";
import type { AnnotationApi } from "../api";
import type { TileSession } from "../tileSession";
import type { AnnotationEditorProps } from "../types";

interface Parts extends Pick<AnnotationEditorProps, "unit" | "blind" | "onProblem"> {
  readonly session: TileSession;
  readonly api: AnnotationApi;
}

/**
 * Proposals of candidates. On an untouched tile the best candidate's are shown at once, unless the
 * annotator is blind; they are asked for only then, because asking is recorded as having seen them.
 */
export function useProposals({ session, api, unit, blind, onProblem }: Parts) {
  const [shown, setShown] = useState<string | null>(() => session.document.shownProposal);
  const asked = useRef(false);
  const show = useCallback(
    (candidate: string) => {
      api.proposal(candidate).then(
        ({ data }) => {
          session.note("proposals-shown", { candidate });
          session.replace("propose", data, "proposed", session.document.objects().length === 0);
          setShown(candidate);
        },
        (error: unknown) => onProblem?.(problemOf(error)),
      );
    },
    [api, session, onProblem],
  );
  const best = unit.proposals[0]?.candidate;
  useEffect(() => {
    const isUntouched = session.document.lastEdit < 0 && !session.hasVersion;
    if (blind || !best || asked.current || !isUntouched) return;
    asked.current = true;
    show(best);
  }, [blind, best, session, show]);
  return { shown, show };
}
