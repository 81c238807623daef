/** Zstandard in WebAssembly, without code made from strings, which the page's security policy forbids. */
import { ZSTDDecoder } from "zstddec";

const decoder = new ZSTDDecoder();

export const zstdReady = (): Promise<void> => decoder.init();

/** Decompress a frame whose size is known; call after `zstdReady`. */
export function unzstd(frame: Uint8Array, size: number): Uint8Array {
  const bytes = decoder.decode(frame, size);
  if (size > 0 && bytes.length !== size)
    throw new Error(`zstd: ${size} bytes were expected; the data are damaged`);
  return bytes;
}

export default class ZstdCodec {
  static codecId = "zstd";
  kind = "bytes_to_bytes" as const;
  static fromConfig(): ZstdCodec {
    return new ZstdCodec();
  }
  encode(): never {
    throw new Error("zstd: images are only read here");
  }
  async decode(frame: Uint8Array): Promise<Uint8Array> {
    await zstdReady();
    return unzstd(frame, 0);
  }
}
