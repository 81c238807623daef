// @vitest-environment node
/** `fixtures.json` was written by numcodecs 0.16 (Python), from the values that `values` makes anew here. */
import { expect, test } from "vitest";
import BloscCodec, { unblosc } from "./blosc";
import fixtures from "./fixtures.json";
import Lz4Codec, { unlz4 } from "./lz4";
import ZstdCodec from "./zstd";

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

function values(n: number, dtype: string): Uint8Array {
  const wide = dtype !== "u1";
  const all = Array.from(
    { length: n },
    (_, i) => (Math.floor((i * i) / 7) % 251) + (i % 3) * (wide ? 300 : 1),
  );
  if (dtype === "<u2") return new Uint8Array(Uint16Array.from(all).buffer);
  if (dtype === "<u4") return new Uint8Array(Uint32Array.from(all).buffer);
  return Uint8Array.from(all);
}

test.each(fixtures.blosc)("blosc: $name", async ({ n, dtype, encoded }) => {
  expect(await BloscCodec.fromConfig().decode(bytesOf(encoded))).toEqual(values(n, dtype));
});

test("plain zstd and lz4", async () => {
  expect(await ZstdCodec.fromConfig().decode(bytesOf(fixtures.plain.zstd))).toEqual(values(500, "u1"));
  expect(Lz4Codec.fromConfig().decode(bytesOf(fixtures.plain.lz4))).toEqual(values(500, "u1"));
});

test("a compressor that is not known is named", async () => {
  await expect(unblosc(bytesOf(fixtures.plain.blosclz))).rejects.toThrow(
    /compressed with blosclz.*zstd, lz4 and zlib/,
  );
});

test("what was cut off is an error, not a picture", async () => {
  for (const { encoded } of fixtures.blosc) {
    const whole = bytesOf(encoded);
    if ((whole[2] ?? 0) & 2) continue; // Stored as it is: no checks inside.
    await expect(unblosc(whole.subarray(0, whole.length - 9))).rejects.toThrow();
  }
  await expect(unblosc(new Uint8Array(5))).rejects.toThrow("within the header");
  expect(() => unlz4(Uint8Array.of(0x10, 65, 9, 0), 40)).toThrow("damaged");
});
