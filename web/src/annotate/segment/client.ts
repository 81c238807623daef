import type { SegmentRequest } from "./clickSegment";
import type { SegmentAnswer, SegmentQuestion } from "./worker";

/** Asks the worker; an answer that comes after a newer question is dropped. */
export class Segmenter {
  private worker: Worker | null = null;
  private last = 0;

  ask(request: SegmentRequest, done: (places: Int32Array) => void): void {
    const id = ++this.last;
    this.worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }: MessageEvent<SegmentAnswer>) => {
      if (data.id === this.last) done(data.places);
    };
    const question: SegmentQuestion = { ...request, id };
    this.worker.postMessage(question);
  }

  close(): void {
    this.worker?.terminate();
    this.worker = null;
  }
}
