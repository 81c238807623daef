import { useEffect, useSyncExternalStore } from "react";
import type { TileSession } from "../tileSession";

const KEEP_TIME_MS = 5000;

/** Renders again whenever anything about the tile changes. */
export function useSession(session: TileSession): number {
  return useSyncExternalStore(session.subscribe, session.getRevision);
}

/** Sends what is waiting when the connection is back, and measures only the time the page is looked at. */
export function useKeeping(session: TileSession): void {
  useEffect(() => {
    const visible = () => {
      if (document.hidden) {
        session.clock.pause();
        session.keepTime();
        session.note("paused");
        void session.flush();
      } else {
        session.clock.touch();
        session.note("resumed");
      }
    };
    const online = () => void session.flush();
    const leave = (event: BeforeUnloadEvent) => {
      if (session.storageFault !== null && session.unsent > 0) event.preventDefault();
    };
    const keepTime = () => session.keepTime();
    const timer = setInterval(keepTime, KEEP_TIME_MS);
    session.clock.touch();
    document.addEventListener("visibilitychange", visible);
    window.addEventListener("online", online);
    window.addEventListener("beforeunload", leave);
    window.addEventListener("pagehide", keepTime);
    return () => {
      clearInterval(timer);
      window.removeEventListener("pagehide", keepTime);
      document.removeEventListener("visibilitychange", visible);
      window.removeEventListener("online", online);
      window.removeEventListener("beforeunload", leave);
    };
  }, [session]);
}
