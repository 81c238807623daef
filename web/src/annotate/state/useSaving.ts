import { useState } from "react";
import { problemOf } from "../../api/client";
import { words } from "../strings";
import type { TileSession } from "../tileSession";
import type { AnnotationEditorProps } from "../types";
import { undecided } from "./useActions";
import type { Editor } from "./useEditor";

interface Parts extends AnnotationEditorProps {
  readonly session: TileSession;
  readonly editor: Editor;
  readonly shown: string | null;
  /** What is said before anything was saved. */
  readonly origin: string;
}

/** Saving a version, with what has to be decided before, and going on. */
export function useSaving({
  unit,
  blind,
  session,
  editor,
  shown,
  origin,
  onSaved,
  onNext,
  onProblem,
}: Parts) {
  const [said, setSaid] = useState(origin);
  const [waits, setWaits] = useState<"save" | "done" | null>(null);
  const write = async (over?: string): Promise<boolean> => {
    const about = { origin: [unit.context[0], unit.context[1]] as const, blind, proposal: shown };
    try {
      const saved = await session.save(about, over);
      if (!saved) return false;
      setSaid(saved.changed ? words.saved(saved.version) : words.unchanged);
      onSaved?.({
        unit: unit.unit,
        version: saved.version,
        nObjects: saved.n_objects,
        changed: saved.changed,
      });
      return true;
    } catch (error) {
      onProblem?.(problemOf(error));
      return false;
    }
  };
  const saveAnd = async (then: "save" | "done") => {
    setWaits(null);
    const needed = session.isUnsaved || !session.hasVersion;
    if ((!needed || (await write())) && then === "done") onNext?.();
  };
  const ask = (then: "save" | "done") => {
    if (undecided(editor).length > 0) setWaits(then);
    else void saveAnd(then);
  };
  return {
    said,
    toDecide: waits === null ? 0 : undecided(editor).length,
    save: () => ask("save"),
    done: () => ask("done"),
    saveOver: (etag: string) => void write(etag),
    goBack: () => setWaits(null),
    acceptAndSave: () => {
      session.setStatus("accept", undecided(editor), "accepted");
      void saveAnd(waits ?? "save");
    },
  };
}
