// How fast the app is in a browser, in numbers: node tests/speed.mjs URL CASES OUTPUT
// CASES is JSON: {seconds, painting: {study, unit}, image: {study, image}, table: {study, image, words}}.
// Every case is the real page with real input, as the browser's own protocol sends it. --profile FILE as a
// fifth word keeps a profile of the painting for the tools of any Chromium.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowserForSeveral } from "./browser.mjs";

const [url, words, output, profile] = process.argv.slice(2);
const cases = JSON.parse(words);
const PATIENCE = 180_000;
const browser = await openBrowserForSeveral();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
const system = await browser.newBrowserCDPSession();
page.setDefaultTimeout(PATIENCE);
const faults = [];
page.on("pageerror", (error) => faults.push(error.message));
const at = (path) => new URL(path, url).href;
const found = {};

try {
  // Signed in, but with an empty cache: what is opened next is opened for the first time.
  await context.request.get(url);
  for (const [name, measure] of Object.entries({ image: openImage, painting: paint, table: filterTable })) {
    if (!cases[name]) continue;
    found[name] = await measure(cases[name]);
    await page.screenshot({ path: join(output, `${name}.png`) });
  }
} catch (error) {
  await page.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  faults.push(error.message);
  process.exitCode = 1;
} finally {
  console.log(JSON.stringify({ ...found, faults, browser: browser.version() }));
  await browser.close();
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return { n: sorted.length, median_ms: place(0.5), p95_ms: place(0.95), max_ms: sorted.at(-1) };
}

/** Seconds of processor time that the processes of the browser have used, by kind: renderer, GPU, browser. */
async function processorTime() {
  const { processInfo } = await system.send("SystemInfo.getProcessInfo");
  const sums = {};
  for (const { type, cpuTime } of processInfo) sums[type] = (sums[type] ?? 0) + cpuTime;
  return sums;
}

/** Milliseconds of it between two moments, for each of some things done. */
function used(before, after, n = 1) {
  const kinds = ["browser", "renderer", "GPU"];
  return Object.fromEntries(
    kinds.map((kind) => [kind, (1000 * ((after[kind] ?? 0) - (before[kind] ?? 0))) / n]),
  );
}

/** Milliseconds from the start of loading the page to the first frame in which the image can be seen. */
async function openImage({ study, image }) {
  await page.addInitScript(watchPixels);
  // The browser's own start is over by then.
  await page.waitForTimeout(3000);
  const before = await processorTime();
  await page.goto(at(`/studies/${study}/images/${image}`));
  const shown_ms = await (await page.waitForFunction(() => globalThis.firstPixels)).jsonValue();
  const cpu_ms = used(before, await processorTime());
  const loaded = await page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name, startTime, responseEnd }) => ({
      name: new URL(name).pathname,
      startTime,
      responseEnd,
    })),
  );
  const files = loaded.filter(({ name }) => name.startsWith("/files/"));
  return {
    shown_ms,
    cpu_ms,
    metadata_ms: Math.min(...files.map(({ startTime }) => startTime)),
    chunks_before: files.filter(({ name, startTime }) => /\/c\//.test(name) && startTime < shown_ms).length,
  };
}

/** Runs in the page: keeps the time of the first frame in which the view differs from one colour. */
function watchPixels() {
  const real = HTMLCanvasElement.prototype.getContext;
  // Else the picture can only be read while it is drawn.
  HTMLCanvasElement.prototype.getContext = function (kind, options) {
    return real.call(this, kind, kind === "webgl2" ? { ...options, preserveDrawingBuffer: true } : options);
  };
  const small = document.createElement("canvas");
  small.width = small.height = 24;
  let next = 0;
  const look = (now) => {
    const view = document.querySelector(".viewer-pointer canvas");
    if (view?.width > 0 && now >= next) {
      const context = real.call(small, "2d", { willReadFrequently: true });
      context.drawImage(view, 0, 0, 24, 24);
      const levels = context.getImageData(0, 0, 24, 24).data.filter((_, i) => i % 4 === 1);
      const after = performance.now();
      if (Math.max(...levels) - Math.min(...levels) > 24) {
        globalThis.firstPixels = after;
        return;
      }
      // Reading costs more than drawing where there is no graphics card: no more than a fifth of the time.
      next = after + Math.max(50, 4 * (after - now));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** Times between frames while the brush is drawn in circles, at the pace of a mouse (125 positions a second). */
async function paint({ study, unit }) {
  // Somebody who has never drawn here: a stroke over one's own changes nothing, and costs nothing.
  await page.addInitScript((name) => {
    const state = { theme: "dark", annotator: name, blind: false, drafts: {} };
    localStorage.setItem("veriscope", JSON.stringify({ state, version: 0 }));
  }, `person-${Date.now()}`);
  await page.goto(at(`/studies/${study}/audit/${unit}`));
  await page
    .getByRole("button", { name: /^Accept all [1-9]/ })
    .first()
    .waitFor();
  await page.keyboard.press("b");
  const text = await page.locator(".tile-footer").textContent();
  const box = await page.locator(".tile-canvas").boundingBox();
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const radius = 0.35 * Math.min(box.width, box.height);
  const client = await context.newCDPSession(page);
  if (profile) {
    await client.send("Profiler.enable");
    await client.send("Profiler.start");
  }
  await page.evaluate(recordFrames);
  const send = (type, angle, buttons) =>
    client.send("Input.dispatchMouseEvent", {
      type,
      x: middle.x + radius * Math.cos(angle),
      y: middle.y + radius * Math.sin(angle),
      button: "left",
      buttons,
      clickCount: type === "mouseMoved" ? 0 : 1,
    });
  await send("mouseMoved", 0, 0);
  await send("mousePressed", 0, 1);
  const before = await processorTime();
  const from = performance.now();
  let sent = 0;
  let waiting = 0;
  for (let now = 0; now < 1000 * cases.seconds; now = performance.now() - from) {
    if (waiting < 16) {
      waiting += 1;
      sent += 1;
      // Half a turn a second.
      send("mouseMoved", (Math.PI * now) / 1000, 1).then(() => {
        waiting -= 1;
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 8));
  }
  await send("mouseReleased", (Math.PI * (performance.now() - from)) / 1000, 0);
  const after = await processorTime();
  const { frames, moves } = await page.evaluate(() => globalThis.stopRecording());
  if (profile) {
    const { profile: kept } = await client.send("Profiler.stop");
    writeFileSync(profile, JSON.stringify(kept));
  }
  const times = frames.slice(1).map((time, i) => time - frames[i]);
  return {
    objects: Number(text.match(/(\d+) objects?/)[1]),
    per_second: (1000 * times.length) / (frames.at(-1) - frames[0]),
    ...spread(times),
    moves_sent: sent,
    moves_seen: moves,
    cpu_ms_per_frame: used(before, after, times.length),
  };
}

/** Runs in the page: keeps the times of all frames, and counts the positions that reach the canvas. */
function recordFrames() {
  const frames = [];
  let moves = 0;
  let isOn = true;
  const canvas = document.querySelector(".tile-canvas");
  const count = (event) => {
    moves += event.getCoalescedEvents().length;
  };
  canvas.addEventListener("pointermove", count);
  const frame = (time) => {
    if (!isOn) return;
    frames.push(time);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  globalThis.stopRecording = () => {
    isOn = false;
    canvas.removeEventListener("pointermove", count);
    return { frames, moves };
  };
}

/** Milliseconds from a key in the filter to the frame that shows the rows which match it. */
async function filterTable({ study, words: typed }) {
  await page.goto(at(`/studies/${study}/answer/table`));
  await page.locator(".object-row[aria-rowindex='2'] [role=gridcell]").first().waitFor();
  await page.locator(".column-histogram svg").nth(1).waitFor();
  // The picture beside the table is drawn by now, as for a person who reads before typing.
  await page.waitForTimeout(2500);
  const rows = await page.locator(".object-rows").getAttribute("aria-rowcount");
  const field = page.getByRole("searchbox");
  const times = [];
  const before = await processorTime();
  for (const word of typed) {
    await field.focus();
    await field.selectText();
    await page.evaluate(watchRows, word);
    // One key for the whole word: what follows is one request.
    await page.keyboard.insertText(word);
    times.push(await (await page.waitForFunction(() => globalThis.filtered)).jsonValue());
    await page.waitForTimeout(700);
  }
  const cpu_ms = used(before, await processorTime(), typed.length);
  return { rows: Number(rows) - 1, ...spread(times), cpu_ms };
}

/** Runs in the page: from the next input to the frame after the first row is one that matches. */
function watchRows(word) {
  globalThis.filtered = 0;
  const matches = () => {
    const row = document.querySelector(".object-row[aria-rowindex='2']");
    return row?.textContent.includes(word);
  };
  document.addEventListener(
    "input",
    ({ timeStamp }) => {
      const look = () => {
        // What is there when a frame begins is on the screen when the next one does.
        if (!matches()) requestAnimationFrame(look);
        else
          requestAnimationFrame(() => {
            globalThis.filtered = performance.now() - timeStamp;
          });
      };
      requestAnimationFrame(look);
    },
    { once: true, capture: true },
  );
}
