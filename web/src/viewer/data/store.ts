import { ApiError, send } from "../../api/client";
import { sendOrTake } from "../../api/early";

interface Group {
  readonly consolidated_metadata?: { readonly metadata?: Readonly<Record<string, unknown>> };
}

type Range = { offset: number; length: number } | { suffixLength: number };

/**
 * Files of an OME-Zarr on the server. What the group says of its arrays (consolidated metadata) is not asked
 * for again; what the server refuses is thrown in its words.
 */
export class ImageStore {
  private readonly url: URL;
  private readonly known = new Map<string, Uint8Array>();

  constructor(url: string) {
    this.url = new URL(`${url.replace(/\/$/, "")}/`);
  }

  async get(key: string, { signal }: RequestInit = {}): Promise<Uint8Array | undefined> {
    const there = this.known.get(key);
    if (there) return there;
    const found = await bytesOf(sendOrTake(this.path(key), signal ?? undefined));
    if (found && key === "/zarr.json") this.learn(found);
    return found;
  }

  /** Part of a file, as shards need it. */
  getRange(key: string, range: Range, { signal }: RequestInit = {}): Promise<Uint8Array | undefined> {
    const bytes =
      "suffixLength" in range
        ? `-${range.suffixLength}`
        : `${range.offset}-${range.offset + range.length - 1}`;
    return bytesOf(send(this.path(key), { headers: { Range: `bytes=${bytes}` }, signal }));
  }

  private path(key: string): string {
    return new URL(key.slice(1), this.url).href;
  }

  private learn(group: Uint8Array): void {
    this.known.set("/zarr.json", group);
    const { consolidated_metadata } = JSON.parse(new TextDecoder().decode(group)) as Group;
    for (const [path, metadata] of Object.entries(consolidated_metadata?.metadata ?? {}))
      this.known.set(`/${path}/zarr.json`, new TextEncoder().encode(JSON.stringify(metadata)));
  }
}

/** Content of an answer; undefined if there is no such file, which means an empty chunk. */
async function bytesOf(answer: Promise<Response>): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await (await answer).arrayBuffer());
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}
