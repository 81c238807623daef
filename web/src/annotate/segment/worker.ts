import { type SegmentRequest, segmentAt } from "./clickSegment";

/** A question to the worker, and its answer with the same number. */
export interface SegmentQuestion extends SegmentRequest {
  readonly id: number;
}

export interface SegmentAnswer {
  readonly id: number;
  readonly places: Int32Array;
}

self.onmessage = ({ data }: MessageEvent<SegmentQuestion>) => {
  const answer: SegmentAnswer = { id: data.id, places: Int32Array.from(segmentAt(data)) };
  self.postMessage(answer);
};
