// What the app weighs, gzipped: a first visit (entry, what it imports at once, styles), and everything it
// can load later, viewer and editor included, but codecs and letters apart. Fails over the limit.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 600;
const APART =
  /^(blosc|zstd|lz4|zlib|gzip|deflate|pako|jpeg|lerc|lzw|packbits|webimage|raw|decoder)\b|\.(woff2|wasm)$/;
const dist = new URL("../dist/", import.meta.url).pathname;
const html = readFileSync(join(dist, "index.html"), "utf8");
const first = new Set([...html.matchAll(/(?:src|href)="\/assets\/([^"]+)"/g)].map((match) => match[1]));

const sum = { first: gzipSync(html).length, all: gzipSync(html).length };
for (const name of readdirSync(join(dist, "assets")).sort()) {
  const size = gzipSync(readFileSync(join(dist, "assets", name))).length;
  const kind = first.has(name) ? "first" : APART.test(name) ? "apart" : "later";
  if (kind === "first") sum.first += size;
  if (kind !== "apart") sum.all += size;
  console.log(`${kind}  ${(size / 1000).toFixed(1).padStart(8)} kB  ${name}`);
}
console.log(
  `gzipped: first visit ${(sum.first / 1000).toFixed(1)} kB, everything before codecs ` +
    `${(sum.all / 1000).toFixed(1)} kB (limit ${LIMIT_KB} kB)`,
);
if (sum.all > LIMIT_KB * 1000) process.exit(1);
