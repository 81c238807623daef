import { useEffect, useState } from "react";
import { scaleBar } from "../../viewer/render/scale";
import type { Editor } from "../state/useEditor";
import { words } from "../strings";

interface Props {
  readonly editor: Editor;
  readonly count: number;
  readonly spacing: number | null;
}

/** Scale, number of objects, time, and whether everything is safe. */
export function Footer({ editor, count, spacing }: Props) {
  const { session, camera } = editor;
  const bar = scaleBar(camera.scale, spacing, 110);
  const seconds = useSeconds(editor);
  const { syncState, unsent } = session;
  return (
    <footer className="tile-footer">
      <span className="tile-bar">
        <i style={{ width: bar.length }} /> {bar.text}
      </span>
      <span>{words.count(count)}</span>
      <span className="faint">{words.time(clockText(seconds))}</span>
      <span className={`sync ${syncState}`} role="status" data-sync={syncState} data-unsent={unsent}>
        {words.sync[syncState]}
        {unsent > 0 && syncState !== "sending" && ` (${words.unsent(unsent)})`}
      </span>
    </footer>
  );
}

function useSeconds({ session }: Editor): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const show = () => setSeconds(Math.round(session.clock.activeMs / 1000));
    show();
    const timer = setInterval(show, 1000);
    return () => clearInterval(timer);
  }, [session]);
  return seconds;
}

function clockText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
