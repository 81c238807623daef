/** Longest pause between two actions that still counts as work on the tile. */
export const IDLE_MS = 60_000;

/**
 * Measures how long a tile was really worked on: from action to action, not while the page is hidden, and
 * at most a minute without any action.
 */
export class ActiveClock {
  private total: number;
  private last: number | null = null;
  private readonly now: () => number;

  constructor(startMs = 0, now: () => number = Date.now) {
    this.total = startMs;
    this.now = now;
  }

  /** Something was done: pointer moved, key pressed, tile opened. */
  touch(): void {
    const now = this.now();
    if (this.last !== null) this.total += Math.min(IDLE_MS, Math.max(0, now - this.last));
    this.last = now;
  }

  /** The page was hidden or left. */
  pause(): void {
    if (this.last !== null) this.touch();
    this.last = null;
  }

  /** Milliseconds up to the last action. */
  get activeMs(): number {
    return this.total;
  }

  reset(): void {
    this.total = 0;
  }
}
