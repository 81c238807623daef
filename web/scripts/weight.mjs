// What a first visit loads, gzipped: the entry chunk, what it imports at once, and its styles.
// Later parts (viewer, codecs) are listed, but load when they are needed. Fails over the limit.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 600;
const dist = new URL("../dist/", import.meta.url).pathname;
const html = readFileSync(join(dist, "index.html"), "utf8");
const first = new Set([...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1]));

let total = gzipSync(html).length;
for (const name of readdirSync(join(dist, "assets")).sort()) {
  const path = `assets/${name}`;
  const size = gzipSync(readFileSync(join(dist, path))).length;
  if (first.has(path)) total += size;
  console.log(`${first.has(path) ? "first" : "later"}  ${(size / 1000).toFixed(1).padStart(8)} kB  ${name}`);
}
console.log(`first visit: ${(total / 1000).toFixed(1)} kB gzipped (limit ${LIMIT_KB} kB)`);
if (total > LIMIT_KB * 1000) process.exit(1);
