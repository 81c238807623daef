// Viewer and annotation editor in a real browser, on a study that is there:
// node tests/annotate.mjs URL STUDY DENSE_UNIT REAL_UNIT REAL_IMAGE OUTPUT
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { Stopwatch } from "./stopwatch.mjs";

const [url, study, dense, unit, image, output] = process.argv.slice(2);
const PATIENCE = 90_000;
const browser = await openBrowser();
const page = browser.pages()[0] ?? (await browser.newPage());
page.setDefaultTimeout(PATIENCE);
const watch = new Stopwatch(page, output);
const button = (name) => page.getByRole("button", { name });
const footer = page.locator(".tile-footer");
const at = (path) => new URL(`/studies/${study}/${path}`, url).href;

try {
  await page.goto(url);
  await drawBeforeProposals();
  const painted = await paintOverMany();
  await drawAndUndo();
  await loseConnection();
  await changeKeys();
  await meetAnotherVersion();
  await lookSideBySide();
  await lookWithoutWebgl();
  console.log(JSON.stringify(watch.save({ painted })));
} catch (error) {
  await page.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  watch.faults.push(`annotate: ${error.message}`);
  console.log(JSON.stringify(watch.save()));
  process.exitCode = 1;
} finally {
  await browser.close();
}

function expect(holds, message) {
  if (!holds) throw new Error(message);
}

/** Opens a tile and waits until it is drawn, with the proposals on it where it is untouched. */
async function open(name) {
  await page.goto(at(`audit/${name}`));
  await footer.waitFor();
  await button(/^Accept all|^Start from/)
    .first()
    .waitFor();
}

async function count() {
  return Number((await footer.textContent()).match(/(\d+) objects?/)[1]);
}

async function until(holds, message) {
  const end = Date.now() + PATIENCE / 3;
  while (Date.now() < end) {
    if (await holds()) return;
    await page.waitForTimeout(100);
  }
  throw new Error(message);
}

/** Drags along a line, given from the middle of the picture. */
async function drag(from, to, steps = 6) {
  const box = await page.locator(".tile-canvas").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x + from[0], y + from[1]);
  await page.mouse.down();
  await page.mouse.move(x + to[0], y + to[1], { steps });
  await page.mouse.up();
}

/** Proposals that come late are not offered twice, and do not take away what was drawn meanwhile. */
async function drawBeforeProposals() {
  let letGo;
  const held = new Promise((resolve) => {
    letGo = resolve;
  });
  await page.route("**/proposal?*", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(at(`audit/${unit}`));
  await page.getByText(/^Reading what .* found/).waitFor();
  expect((await button(/^Start from/).count()) === 0, "proposals on their way are offered");
  await page.keyboard.press("b");
  await drag([-60, 0], [60, 0]);
  await until(async () => (await count()) === 1, "a stroke made no object");
  letGo();
  await button(/^Start from/)
    .first()
    .waitFor();
  expect((await count()) === 1, "late proposals took a stroke away");
  await page.unroute("**/proposal?*");
  await button(/^Start from/)
    .first()
    .click();
  await button(/^Accept all/).waitFor();
  await watch.lap("proposals");
}

/** A ring over a tile of 512 × 512 pixels with 500 objects, none of which it may change; saved with them. */
async function paintOverMany() {
  await open(dense);
  const objects = await count();
  expect(objects >= 400, `only ${objects} objects on the dense tile`);
  const box = await page.locator(".tile-canvas").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const radius = 0.3 * box.height;
  await page.keyboard.press("b");
  // With shift it is a new object, also where it starts in another.
  await page.keyboard.down("Shift");
  await page.mouse.move(x + radius, y);
  await page.mouse.down();
  for (let i = 1; i <= 60; i++) {
    const angle = (Math.PI * i) / 30;
    await page.mouse.move(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  await page.mouse.up();
  await page.keyboard.up("Shift");
  await until(async () => (await count()) === objects + 1, "the ring is not one object more");
  await page.keyboard.press("Control+s");
  await button("Accept them and save").click();
  await page.getByText("Saved as version 1", { exact: true }).waitFor();
  await watch.lap("painting");
  const scale = Math.min((box.width - 80) / 512, (box.height - 80) / 512);
  return { objects, radius: radius / scale };
}

async function drawAndUndo() {
  await open(unit);
  const accept = button(/^Accept all/);
  if (await accept.count()) await accept.click();
  const before = await count();
  await page.keyboard.press("n");
  await page.getByLabel("A stroke outside objects makes a new one").uncheck();
  await page.getByLabel("Do not paint over other objects").uncheck();
  await drag([-60, 0], [60, 0]);
  await until(async () => (await count()) !== before, "a stroke made no object");
  await page.getByLabel("A stroke outside objects makes a new one").check();
  const drawn = await count();
  await page.keyboard.press("k");
  await drag([0, -60], [0, 60]);
  await until(async () => (await count()) > drawn, "the line split nothing");
  const split = await count();
  await watch.lap("drawn");
  await page.reload();
  await footer.waitFor();
  await until(async () => (await count()) === split, "objects were lost by a reload");
  await page.getByText("Continued where you stopped, with undo.").waitFor();
  await page.keyboard.press("Control+z");
  await until(async () => (await count()) === drawn, "undo after a reload did not undo the split");
  await page.keyboard.press("Control+z");
  await until(async () => (await count()) === before, "undo after a reload did not undo the stroke");
  await page.keyboard.press("Control+Shift+z");
  await until(async () => (await count()) === drawn, "redo after a reload did nothing");
  await watch.lap("undone");
}

async function loseConnection() {
  await until(async () => (await footer.locator("[data-sync=sent]").count()) > 0, "strokes were not sent");
  await browser.setOffline(true);
  await page.keyboard.press("b");
  await drag([-20, 90], [20, 90]);
  await footer.locator("[data-sync=waiting]").waitFor();
  await watch.lap("offline");
  await browser.setOffline(false);
  await footer.locator("[data-sync=sent]").waitFor();
}

async function changeKeys() {
  await page.keyboard.press("?");
  await button("napari").click();
  await watch.lap("keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await page.locator(".tool[aria-pressed=true]", { hasText: "Erase" }).waitFor();
  await page.keyboard.press("2");
  await page.locator(".tool[aria-pressed=true]", { hasText: "Brush" }).waitFor();
  await page.keyboard.press("?");
  await button("QuPath").click();
  await page.keyboard.press("Escape");
}

async function meetAnotherVersion() {
  await page.keyboard.press("Control+s");
  await page.getByText(/^Saved as version \d+/).waitFor();
  const status = await page.evaluate(
    async ([name, tile]) => {
      const base = `/api/studies/${name}/audit/units/${tile}/annotation?annotator=annotator`;
      const old = await fetch(base, { headers: { Accept: "application/octet-stream" } });
      const labels = new Uint8Array(await old.arrayBuffer()).fill(0);
      const answer = await fetch(`${base}&seconds=1&blind=false`, {
        method: "PUT",
        body: labels,
        headers: {
          "X-Veriscope": "1",
          "Content-Type": "application/octet-stream",
          "If-Match": old.headers.get("ETag"),
          "X-Shape": old.headers.get("X-Shape"),
          "X-Dtype": old.headers.get("X-Dtype"),
          "X-Origin": old.headers.get("X-Origin"),
        },
      });
      return answer.status;
    },
    [study, unit],
  );
  expect(status === 200, `the other version was answered ${status}`);
  await drag([-90, -80], [-50, -80]);
  await page.keyboard.press("Control+s");
  await page.getByText("Another version was saved meanwhile").waitFor();
  await watch.lap("conflict");
  await button("Save mine after it").click();
  await page.getByText(/^Saved as version \d+/).waitFor();
}

async function lookSideBySide() {
  await page.goto(at(`images/${image}`));
  await page.locator(".viewer-stage canvas").first().waitFor();
  await button("Side by side").click();
  await page.waitForTimeout(1500);
  await watch.lap("side-by-side");
  await button("Swipe").click();
  await page.getByLabel("Where the two pictures meet").fill("0.3");
  await page.waitForTimeout(1000);
  await watch.lap("swipe");
  await button("Save figure …").click();
  const downloads = [];
  page.on("download", (download) => downloads.push(download));
  await button("Save PNG and settings").click();
  await until(async () => downloads.length === 2, "the figure was not saved with its settings");
  const files = Object.fromEntries(
    await Promise.all(downloads.map(async (each) => [each.suggestedFilename().slice(-3), await each.path()])),
  );
  expect(statSync(files.png).size > 20_000, "the figure is empty");
  expect(/Pane 2: objects of/.test(readFileSync(files.txt, "utf8")), "the settings miss the second pane");
}

async function lookWithoutWebgl() {
  await page.addInitScript(() => {
    const real = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
      return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
    };
  });
  await page.goto(at(`images/${image}`));
  await page.getByText("This browser has no WebGL2").waitFor();
  await until(
    () => page.evaluate(() => (document.querySelector(".viewer-rendered img")?.naturalWidth ?? 0) > 100),
    "the server's picture did not come",
  );
  await watch.lap("no-webgl");
}
