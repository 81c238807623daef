/**
 * Blosc 1 containers, as its format description has them: a header of 16 bytes, the places of blocks, and
 * blocks that are compressed in one piece or one piece per byte of an element. Read only.
 */
import { unlz4 } from "./lz4";
import { unbitshuffle, unshuffle } from "./shuffle";
import { unzstd, zstdReady } from "./zstd";

const HEADER = 16;
const MOST_PIECES = 16;
const LEAST_PER_PIECE = 128;
const FLAGS = { shuffled: 0x1, copied: 0x2, bitShuffled: 0x4, onePiece: 0x10 } as const;
const COMPRESSORS = ["blosclz", "lz4", "snappy", "zlib", "zstd"] as const;

type Inflate = (piece: Uint8Array, size: number) => Uint8Array | Promise<Uint8Array>;

/** Makes ready what most images need. */
export const ready = zstdReady;

async function inflate(piece: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([piece as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function inflaterOf(format: number): Promise<Inflate> {
  const name = COMPRESSORS[format];
  if (name === "zstd") {
    await zstdReady();
    return unzstd;
  }
  if (name === "lz4") return unlz4;
  if (name === "zlib") return inflate;
  throw new Error(
    `blosc: this image is compressed with ${name ?? `method ${format}`}, which the viewer cannot read; ` +
      "it reads zstd, lz4 and zlib",
  );
}

/** Decompress a whole container. */
export async function unblosc(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.length < HEADER) throw new Error("blosc: the data end within the header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(2);
  const typeSize = view.getUint8(3);
  const total = view.getUint32(4, true);
  const blockSize = view.getUint32(8, true);
  if (flags & FLAGS.copied) return bytes.slice(HEADER, HEADER + total);
  const out = new Uint8Array(total);
  const run = await inflaterOf(flags >> 5);
  const nBlocks = blockSize > 0 ? Math.ceil(total / blockSize) : 0;
  const loose = new Uint8Array(blockSize);
  for (let block = 0; block < nBlocks; block++) {
    const start = block * blockSize;
    const size = Math.min(blockSize, total - start);
    const isWhole = size === blockSize && !(flags & FLAGS.onePiece) && typeSize <= MOST_PIECES;
    const pieces = isWhole && blockSize / typeSize >= LEAST_PER_PIECE ? typeSize : 1;
    const target = out.subarray(start, start + size);
    const isLoose = typeSize > 1 ? (flags & FLAGS.shuffled) !== 0 : false;
    const isBits = (flags & FLAGS.bitShuffled) !== 0;
    const into = isLoose || isBits ? loose.subarray(0, size) : target;
    await readPieces(bytes, view, view.getUint32(HEADER + 4 * block, true), pieces, into, run);
    if (isLoose) unshuffle(into, typeSize, target);
    else if (isBits) unbitshuffle(into, typeSize, target);
  }
  return out;
}

async function readPieces(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  pieces: number,
  into: Uint8Array,
  run: Inflate,
): Promise<void> {
  const size = Math.floor(into.length / pieces);
  let from = start;
  for (let piece = 0; piece < pieces; piece++) {
    const length = view.getInt32(from, true);
    from += 4;
    if (length < 0 || from + length > bytes.length) throw new Error("blosc: the data are damaged");
    const packed = bytes.subarray(from, from + length);
    const whole = length === size ? packed : await run(packed, size);
    if (whole.length !== size) throw new Error("blosc: a block has another size than its header says");
    into.set(whole, piece * size);
    from += length;
  }
}

export default class BloscCodec {
  static codecId = "blosc";
  kind = "bytes_to_bytes" as const;
  static fromConfig(): BloscCodec {
    return new BloscCodec();
  }
  encode(): never {
    throw new Error("blosc: images are only read here");
  }
  decode(bytes: Uint8Array): Promise<Uint8Array> {
    return unblosc(bytes);
  }
}
