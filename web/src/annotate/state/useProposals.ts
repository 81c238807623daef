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
 * What is drawn while they are on their way stays, and then they wait until they are asked for.
 */
export function useProposals({ session, api, unit, blind, onProblem }: Parts) {
  const best = unit.proposals[0]?.candidate;
  const isDue = () => !blind && best !== undefined && isUntouched(session);
  const [shown, setShown] = useState<string | null>(() => session.document.shownProposal);
  const [asking, setAsking] = useState<string | null>(() => (isDue() && best) || null);
  const asked = useRef(false);
  const ask = useCallback(
    async (candidate: string, isWanted: () => boolean) => {
      setAsking(candidate);
      try {
        const { data } = await api.proposal(candidate);
        if (isWanted()) {
          session.note("proposals-shown", { candidate });
          session.replace("propose", data, "proposed", session.document.objects().length === 0);
          setShown(candidate);
        }
      } catch (error) {
        onProblem?.(problemOf(error));
      }
      setAsking(null);
    },
    [api, session, onProblem],
  );
  const show = useCallback((candidate: string) => void ask(candidate, () => true), [ask]);
  useEffect(() => {
    if (blind || !best || asked.current || !isUntouched(session)) return;
    asked.current = true;
    void ask(best, () => isUntouched(session));
  }, [blind, best, session, ask]);
  return { shown, asking, show };
}

function isUntouched(session: TileSession): boolean {
  return session.document.lastEdit < 0 && !session.hasVersion;
}
