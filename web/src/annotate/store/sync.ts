import type { JournalEntry } from "../model/journal";

/** Sends lines; gives the number of lines that the server has after it. Throws `Refused` where trying again is no use. */
export type SendLines = (entries: readonly JournalEntry[]) => Promise<number>;

/** The server will never take these lines; they stay in this browser. */
export class Refused extends Error {}

export type SyncState = "sent" | "sending" | "waiting" | "refused";

const SOON_MS = 800;
const LONGEST_WAIT_MS = 20_000;
const MOST_LINES = 500;

/** Sends the journal to the server in batches, in order, again and again until it has arrived. */
export class JournalSync {
  state: SyncState = "sent";
  private queue: JournalEntry[];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private running: Promise<void> | null = null;
  private failures = 0;
  private isClosed = false;
  private readonly send: SendLines;
  private readonly onChange: (state: SyncState, sent: number) => void;

  /** `queue` are the lines that the server does not have yet. */
  constructor(
    queue: readonly JournalEntry[],
    send: SendLines,
    onChange: (state: SyncState, sent: number) => void,
  ) {
    this.queue = [...queue];
    this.send = send;
    this.onChange = onChange;
    if (this.queue.length === 0) return;
    this.state = "sending";
    this.plan(0);
  }

  /** Lines that are only in this browser so far. */
  get unsent(): number {
    return this.queue.length;
  }

  push(entry: JournalEntry): void {
    this.queue.push(entry);
    if (this.state === "refused") return;
    if (this.state === "sent") this.state = "sending";
    this.plan(SOON_MS);
  }

  /** Sends now what there is, as when the connection is back; ends when it was tried. */
  async flush(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    await this.running;
    if (this.queue.length > 0 && this.state !== "refused" && !this.isClosed) await this.run();
  }

  /** Stops; what was not sent is sent when the tile is opened again. */
  close(): void {
    this.isClosed = true;
    if (this.timer) clearTimeout(this.timer);
  }

  private plan(delay: number): void {
    if (this.timer || this.running || this.isClosed) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.run();
    }, delay);
  }

  private async run(): Promise<void> {
    this.running = this.sendBatch().finally(() => {
      this.running = null;
    });
    await this.running;
    if (this.queue.length === 0 || this.state === "refused") return;
    this.plan(this.failures === 0 ? 0 : Math.min(LONGEST_WAIT_MS, 1000 * 2 ** (this.failures - 1)));
  }

  private async sendBatch(): Promise<void> {
    this.become("sending");
    try {
      const had = await this.send(this.queue.slice(0, MOST_LINES));
      this.queue = this.queue.filter(({ seq }) => seq >= had);
      this.failures = 0;
      this.become(this.queue.length === 0 ? "sent" : "sending", had);
    } catch (error) {
      this.failures += 1;
      this.become(error instanceof Refused ? "refused" : "waiting");
    }
  }

  private become(state: SyncState, sent = -1): void {
    this.state = state;
    this.onChange(state, sent);
  }
}
