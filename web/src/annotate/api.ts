import { ApiError, getJson, send } from "../api/client";
import type { SegmentedObject, Segmenter, SegmentRequest } from "../api/types";
import type { JournalEntry } from "./model/journal";
import { Refused } from "./store/sync";
import type { TileKey } from "./store/types";

/** A label image as it came from the server. */
export interface LabelImage {
  readonly data: Int32Array;
  readonly width: number;
  readonly height: number;
}

export interface SavedAnnotation extends LabelImage {
  readonly etag: string;
}

/** Pixels of the tile with its surroundings. */
export interface TilePixels {
  readonly width: number;
  readonly height: number;
  readonly channels: readonly { readonly name: string; readonly data: NumberArray }[];
  readonly dtype: string;
}

export type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array;

/** How many times, and by whom, a tile was saved. */
export interface AnnotationVersion {
  readonly annotator: string;
  readonly version: number;
  readonly saved: string;
  readonly n_objects: number;
}

export interface SaveRequest extends LabelImage {
  readonly etag: string | null;
  readonly origin: readonly [y0: number, x0: number];
  readonly seconds: number;
  readonly blind: boolean;
  readonly proposal: string | null;
  /** Models for click-to-segment whose outlines were taken. */
  readonly segmenters: readonly string[];
}

export interface SaveAnswer {
  readonly version: number;
  readonly etag: string;
  readonly n_objects: number;
  readonly changed: boolean;
}

/** What the editor asks of the server, for one tile and annotator. */
export class AnnotationApi {
  private readonly base: string;
  private readonly who: string;

  constructor({ study, unit, annotator }: TileKey) {
    this.base = `/api/studies/${encodeURIComponent(study)}/audit/units/${encodeURIComponent(unit)}`;
    this.who = `annotator=${encodeURIComponent(annotator)}`;
  }

  async pixels(z?: number): Promise<TilePixels> {
    const response = await send(`${this.base}/pixels${z === undefined ? "" : `?z=${z}`}`);
    const shape = numbers(response.headers.get("X-Shape"));
    const [c, height, width] = (shape.length === 2 ? [1, ...shape] : shape) as [number, number, number];
    const dtype = response.headers.get("X-Dtype") ?? "";
    const names = JSON.parse(decodeURIComponent(response.headers.get("X-Channels") ?? "[]")) as string[];
    const all = typed(await response.arrayBuffer(), dtype, c * height * width);
    return {
      width,
      height,
      dtype,
      channels: Array.from({ length: c }, (_, i) => ({
        name: names[i] ?? "",
        data: all.subarray(i * height * width, (i + 1) * height * width),
      })),
    };
  }

  /** The newest version of this annotator; null if there is none. */
  async annotation(): Promise<SavedAnnotation | null> {
    try {
      const response = await send(`${this.base}/annotation?${this.who}`, RAW);
      return { ...(await labelsOf(response)), etag: response.headers.get("ETag") ?? "" };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /** Objects of a candidate. The server records that they were shown. */
  async proposal(candidate: string): Promise<LabelImage> {
    const path = `${this.base}/proposal?candidate=${encodeURIComponent(candidate)}&${this.who}`;
    return labelsOf(await send(path, RAW));
  }

  /** Models for click-to-segment that were added on the server. */
  segmenters(): Promise<Segmenter[]> {
    return getJson<Segmenter[]>("/api/segmenters");
  }

  /** The object that a model sees where it was pointed at. The server records that it was shown. */
  async outline(request: SegmentRequest, signal: AbortSignal): Promise<SegmentedObject> {
    const response = await send(`${this.base}/segment?${this.who}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
      signal,
    });
    return (await response.json()) as SegmentedObject;
  }

  async save({
    data,
    width,
    height,
    etag,
    origin,
    seconds,
    blind,
    proposal,
    segmenters,
  }: SaveRequest): Promise<SaveAnswer> {
    const query = [this.who, `seconds=${seconds.toFixed(1)}`, `blind=${blind}`];
    if (proposal) query.push(`proposal=${encodeURIComponent(proposal)}`);
    for (const each of segmenters) query.push(`segmenter=${encodeURIComponent(each)}`);
    const response = await send(`${this.base}/annotation?${query.join("&")}`, {
      method: "PUT",
      body: new Uint32Array(data),
      headers: {
        "Content-Type": "application/octet-stream",
        "X-Shape": `${height},${width}`,
        "X-Dtype": "uint32",
        "X-Origin": origin.join(","),
        ...(etag === null ? { "If-None-Match": "*" } : { "If-Match": etag }),
      },
    });
    return (await response.json()) as SaveAnswer;
  }

  async versions(): Promise<AnnotationVersion[]> {
    return (await (await send(`${this.base}/versions`)).json()) as AnnotationVersion[];
  }

  /** Appends lines to the server's journal; gives how many it has of this client. */
  async append(client: string, entries: readonly JournalEntry[]): Promise<number> {
    try {
      const response = await send(`${this.base}/journal?${this.who}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ client, entries: entries.map(toLine) }),
      });
      return ((await response.json()) as { last_seq: number }).last_seq;
    } catch (error) {
      // 409: the server misses earlier lines and says which it has; 401 and 429 pass with time.
      if (!(error instanceof ApiError)) throw error;
      const had = (error.problem as { last_seq?: number }).last_seq;
      if (error.status === 409 && had !== undefined && had < (entries[0]?.seq ?? 0))
        throw new Refused(error.message);
      if (error.status === 409 && had !== undefined) return had;
      if ([400, 403, 404, 413, 415, 422].includes(error.status)) throw new Refused(error.message);
      throw error;
    }
  }

  /** Lines of the client that wrote last, from the first on; empty if there are none. */
  async journal(): Promise<JournalEntry[]> {
    const lines: ServerLine[] = [];
    for (let after = 0; ; ) {
      const response = await send(`${this.base}/journal?${this.who}&after=${after}`);
      const page = (await response.json()) as { entries: ServerLine[]; last: number };
      lines.push(...page.entries);
      if (page.entries.length === 0 || page.last <= after) break;
      after = page.entries.at(-1)?.n ?? page.last;
    }
    // The server itself notes what was shown; that is no stroke of anybody.
    const client = lines.findLast((line) => line.client !== SERVER)?.client;
    return lines.filter((line) => line.client === client).map(fromLine);
  }
}

const RAW: RequestInit = { headers: { Accept: "application/octet-stream" } };

/** Client under which the server itself writes. */
const SERVER = "server";

/** A line as the server keeps it; it counts from 1. */
interface ServerLine {
  readonly n: number;
  readonly client: string;
  readonly seq: number;
  readonly time: string;
  readonly kind: string;
  readonly data: Record<string, unknown>;
}

export function toLine({ seq, at, type, ...data }: JournalEntry) {
  return { seq: seq + 1, time: new Date(at).toISOString(), kind: type, data };
}

export function fromLine({ seq, time, kind, data }: Omit<ServerLine, "n" | "client">): JournalEntry {
  return { ...data, seq: seq - 1, at: Date.parse(time), type: kind } as JournalEntry;
}

async function labelsOf(response: Response): Promise<LabelImage> {
  const [height, width] = numbers(response.headers.get("X-Shape")) as [number, number];
  const found = typed(await response.arrayBuffer(), response.headers.get("X-Dtype") ?? "", height * width);
  return { data: Int32Array.from(found), width, height };
}

function numbers(header: string | null): number[] {
  return (header ?? "").split(",").map(Number);
}

function typed(buffer: ArrayBuffer, dtype: string, length: number): NumberArray {
  const kinds = {
    bool: Uint8Array,
    uint8: Uint8Array,
    uint16: Uint16Array,
    uint32: Uint32Array,
    int8: Int8Array,
    int16: Int16Array,
    int32: Int32Array,
    float32: Float32Array,
  } as const;
  if (dtype === "float64") return Float32Array.from(new Float64Array(buffer));
  const Kind = kinds[dtype as keyof typeof kinds];
  if (!Kind) throw new Error(`pixels of type ${dtype || "?"} cannot be shown`);
  const values = new Kind(buffer);
  if (values.length !== length)
    throw new Error(`${values.length} values came where ${length} were announced`);
  return values;
}
