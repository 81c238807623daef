/** Taking back what Blosc does before compressing: bytes, or bits, of like significance stand together. */

/** Put the bytes of each element back together; what does not fill an element stands at the end as it is. */
export function unshuffle(bytes: Uint8Array, size: number, out: Uint8Array): void {
  const n = Math.floor(bytes.length / size);
  for (let place = 0; place < size; place++) {
    const plane = place * n;
    for (let element = 0, to = place; element < n; element++, to += size)
      out[to] = bytes[plane + element] as number;
  }
  out.set(bytes.subarray(n * size), n * size);
}

/** Put the bits of each element back together; blocks that are no multiple of 8 elements were left alone. */
export function unbitshuffle(bytes: Uint8Array, size: number, out: Uint8Array): void {
  const n = Math.floor(bytes.length / size);
  if (n % 8 !== 0) {
    out.set(bytes);
    return;
  }
  const row = n / 8;
  out.fill(0, 0, n * size);
  for (let place = 0; place < size; place++)
    for (let bit = 0; bit < 8; bit++) {
      const from = (place * 8 + bit) * row;
      for (let group = 0; group < row; group++) {
        const packed = bytes[from + group] as number;
        if (packed === 0) continue;
        for (let k = 0; k < 8; k++) {
          const to = (group * 8 + k) * size + place;
          out[to] = (out[to] as number) | (((packed >> k) & 1) << bit);
        }
      }
    }
  out.set(bytes.subarray(n * size), n * size);
}
