/** LZ4 blocks, as the LZ4 block format describes them. */

/** Decompress a block into exactly `size` bytes. */
export function unlz4(block: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let from = 0;
  let to = 0;
  const byte = (): number => {
    const value = block[from++];
    if (value === undefined) throw new Error("lz4: the data end too early");
    return value;
  };
  const length = (nibble: number): number => {
    let total = nibble;
    if (nibble === 15) {
      let more: number;
      do {
        more = byte();
        total += more;
      } while (more === 255);
    }
    return total;
  };
  while (from < block.length) {
    const token = byte();
    const literals = length(token >> 4);
    if (from + literals > block.length || to + literals > size) throw new Error("lz4: the data are damaged");
    out.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from >= block.length) break; // The last sequence has literals only.
    const back = byte() | (byte() << 8);
    const match = length(token & 15) + 4;
    if (back === 0 || back > to || to + match > size) throw new Error("lz4: the data are damaged");
    // Source and target may overlap, so bytes go one by one.
    for (let n = 0; n < match; n++, to++) out[to] = out[to - back] as number;
  }
  if (to !== size) throw new Error(`lz4: ${size} bytes were expected, ${to} came out`);
  return out;
}

export default class Lz4Codec {
  static codecId = "lz4";
  kind = "bytes_to_bytes" as const;
  static fromConfig(): Lz4Codec {
    return new Lz4Codec();
  }
  encode(): never {
    throw new Error("lz4: images are only read here");
  }
  /** Before the block stands its size when decompressed, as numcodecs writes it. */
  decode(bytes: Uint8Array): Uint8Array {
    const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
    return unlz4(bytes.subarray(4), size);
  }
}
