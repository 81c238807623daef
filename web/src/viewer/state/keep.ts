import type { Kept } from "./viewerState";

const PREFIX = "veriscope-viewer:";

/** Display settings of the last image under this name, or null. */
export function readKept(name: string | undefined): Kept | null {
  if (name === undefined) return null;
  try {
    const found = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null") as Kept | null;
    return found && Array.isArray(found.channels) && typeof found.look === "object" ? found : null;
  } catch {
    return null;
  }
}

/** Keeps display settings; a full or forbidden store only means that they are not kept. */
export function writeKept(name: string | undefined, kept: Kept): void {
  if (name === undefined) return;
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(kept));
  } catch {
    // Display settings can be set again.
  }
}
