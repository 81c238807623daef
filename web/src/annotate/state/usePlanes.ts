import { useEffect, useRef, useState } from "react";
import { problemOf } from "../../api/client";
import type { AnnotationApi, TilePixels } from "../api";
import type { AnnotationEditorProps } from "../types";

interface Parts extends Pick<AnnotationEditorProps, "unit" | "onProblem"> {
  readonly api: AnnotationApi;
  readonly pixels: TilePixels;
}

/** The plane of a stack that is looked at; the labels are one for all planes. */
export function usePlanes({ unit, api, pixels: first, onProblem }: Parts) {
  const [z, setZ] = useState(0);
  const [pixels, setPixels] = useState(first);
  const loaded = useRef(new Map([[0, first]]));
  useEffect(() => {
    const known = loaded.current.get(z);
    if (known) {
      setPixels(known);
      return;
    }
    let isCurrent = true;
    api.pixels(z).then(
      (found) => {
        loaded.current.set(z, found);
        if (isCurrent) setPixels(found);
      },
      (error: unknown) => onProblem?.(problemOf(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [z, api, onProblem]);
  return { z, setZ, pixels, count: unit.nPlanes ?? 1 };
}
