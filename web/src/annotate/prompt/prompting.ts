import { problemOf } from "../../api/client";
import type { Problem, SegmentedObject, SegmentRequest } from "../../api/types";
import type { Box, Point } from "../model/labels";
import { Recorder } from "../model/patch";
import type { TileSession } from "../tileSession";

/** A place that was clicked, inside the object or outside of it. */
export interface PromptPoint extends Point {
  readonly inside: boolean;
}

/** One object being pointed at, and the outline that the model proposes for it. Nothing of it is drawn yet. */
export interface PromptState {
  readonly points: readonly PromptPoint[];
  /** Edges in pixels; 0 is the outer edge of the first pixel. */
  readonly box: Box | null;
  /** Pixels of the outline, as places in the tile; empty until an answer came, or if the model sees nothing. */
  readonly places: Int32Array;
  /** Overlap that the model itself expects; null without an answer. */
  readonly quality: number | null;
  /** An answer is on its way: to a click, or the tile is being read. */
  readonly waits: boolean;
  readonly problem: Problem | null;
}

/** What a person tells the tool; the answer comes from the server. */
export type Ask = (request: SegmentRequest, signal: AbortSignal) => Promise<SegmentedObject>;

const NOTHING: PromptState = {
  points: [],
  box: null,
  places: new Int32Array(),
  quality: null,
  waits: false,
  problem: null,
};

/**
 * Clicks and a box, asked of a model again with every change; only the newest question is waited for. What is
 * accepted becomes an object of the tile in one step that can be taken back, and the journal says which model it
 * came from.
 */
export class Prompting {
  private readonly session: TileSession;
  private readonly ask: Ask;
  private readonly channels: () => readonly number[];
  private readonly listeners = new Set<() => void>();
  private current: PromptState = NOTHING;
  private segmenter: string | null = null;
  private answer: SegmentedObject | null = null;
  private asked: AbortController | null = null;
  private takes: ((label: number | null) => void) | null = null;

  constructor(session: TileSession, ask: Ask, channels: () => readonly number[]) {
    this.session = session;
    this.ask = ask;
    this.channels = channels;
  }

  readonly getState = (): PromptState => this.current;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Whether something was pointed at that is neither accepted nor given up. */
  get isOpen(): boolean {
    return this.current.points.length > 0 || this.current.box !== null;
  }

  /** Whether there is a model to ask. */
  get isReady(): boolean {
    return this.segmenter !== null;
  }

  /** Chooses the model and has it read the tile, so that the first click is answered soon; null: none. */
  use(segmenter: string | null): void {
    if (segmenter === this.segmenter) return;
    this.cancel();
    this.segmenter = segmenter;
    if (segmenter !== null) void this.send();
  }

  /** Adds a place. One outside says nothing before there is something to be outside of: false. */
  point(at: Point, inside: boolean): boolean {
    const { points, box } = this.current;
    if (!inside && box === null && !points.some((point) => point.inside)) return false;
    this.set({ points: [...points, { x: at.x, y: at.y, inside }] });
    void this.send();
    return true;
  }

  /** Puts a box around the object, in place of the one before. */
  frame(box: Box): void {
    this.set({ box });
    void this.send();
  }

  /** Takes the last click back, or the box where there is no click. */
  stepBack(): void {
    const { points, box } = this.current;
    const left = points.slice(0, -1);
    const keepsBox = points.length > 0 ? box : null;
    if (keepsBox === null && !left.some((point) => point.inside)) {
      this.cancel();
      return;
    }
    this.set({ points: left, box: keepsBox });
    void this.send();
  }

  /**
   * Makes the outline an object, now or as soon as its answer is here. Gives its label; null if there is nothing
   * to take, or other objects cover all of it.
   */
  accept(): Promise<number | null> {
    if (!this.isOpen) return Promise.resolve(null);
    if (this.current.waits) {
      return new Promise((resolve) => {
        this.takes?.(null);
        this.takes = resolve;
      });
    }
    return Promise.resolve(this.take());
  }

  /** Gives up what was pointed at; nothing was drawn. */
  cancel(): void {
    this.asked?.abort();
    this.asked = null;
    this.answer = null;
    this.takes?.(null);
    this.takes = null;
    this.current = NOTHING;
    this.tell();
  }

  private take(): number | null {
    const { points, box, places, quality } = this.current;
    const { answer, session } = this;
    const { labels } = session.document;
    const free = places.filter((place) => labels.data[place] === 0);
    if (!answer || free.length === 0) return null;
    const label = session.document.freshLabel();
    const recorder = new Recorder(labels);
    for (const place of free) recorder.set(place, label);
    session.note("model-outline", {
      segmenter: answer.segmenter,
      sha256: answer.sha256,
      label,
      points: JSON.stringify(points.map(({ x, y, inside }) => [round(y), round(x), inside])),
      box: box && JSON.stringify([box.y0, box.x0, box.y1, box.x1].map(round)),
      quality,
    });
    session.commit("model", recorder.take(), new Map([[label, "accepted"]]));
    this.cancel();
    return label;
  }

  /** Asks with what was pointed at so far; an earlier question is given up. */
  private async send(): Promise<void> {
    if (this.segmenter === null) return;
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    this.set({ waits: true, problem: null });
    const { points, box } = this.current;
    try {
      const answer = await this.ask(
        {
          segmenter: this.segmenter,
          channels: [...this.channels()],
          points: points.map(({ x, y, inside }) => ({ x, y, inside })),
          box: box && [box.y0, box.x0, box.y1, box.x1],
        },
        asked.signal,
      );
      if (this.asked !== asked) return;
      this.answer = answer;
      this.set({ places: placesOf(answer.runs), quality: answer.quality, waits: false });
      const { takes } = this;
      this.takes = null;
      takes?.(this.take());
    } catch (error) {
      if (this.asked !== asked) return;
      this.set({ waits: false, problem: problemOf(error) });
      this.takes?.(null);
      this.takes = null;
    }
  }

  private set(change: Partial<PromptState>): void {
    this.current = { ...this.current, ...change };
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Places of all pixels of runs: first place and length, in turn. */
export function placesOf(runs: readonly number[]): Int32Array {
  let count = 0;
  for (let i = 1; i < runs.length; i += 2) count += runs[i] as number;
  const places = new Int32Array(count);
  let at = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    for (let j = 0; j < (runs[i + 1] as number); j++) places[at++] = (runs[i] as number) + j;
  }
  return places;
}

function round(value: number): number {
  return Math.round(100 * value) / 100;
}
