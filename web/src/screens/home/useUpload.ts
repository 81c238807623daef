/** Files on their way to the server: sending starts at once, while the question is being answered. */
import { useCallback, useRef, useState } from "react";
import { problemOf } from "../../api/client";
import type { Problem } from "../../api/types";
import { type NamedFile, type UploadProgress, uploadFiles } from "../../api/uploads";

export interface UploadState {
  files: NamedFile[];
  progress: UploadProgress | null;
  /** Id of the finished upload. */
  id: string | null;
  problem: Problem | null;
}

export function useUpload() {
  const [state, setState] = useState<UploadState | null>(null);
  const stop = useRef<AbortController | null>(null);

  const start = useCallback(async (files: NamedFile[]) => {
    stop.current?.abort();
    const own = new AbortController();
    stop.current = own;
    setState({ files, progress: null, id: null, problem: null });
    const change = (part: Partial<UploadState>) => {
      if (stop.current === own) setState((old) => old && { ...old, ...part });
    };
    try {
      const id = await uploadFiles(files, (progress) => change({ progress }), own.signal);
      change({ id });
    } catch (error) {
      if (!own.signal.aborted) change({ problem: problemOf(error) });
    }
  }, []);

  const clear = useCallback(() => {
    stop.current?.abort();
    stop.current = null;
    setState(null);
  }, []);

  return { state, start, clear };
}
