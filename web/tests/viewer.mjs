// The viewer with images that are hard to show: node tests/viewer.mjs URL STUDY OUTPUT
// STUDY has images stack (3 times, 2 channels, 5 planes), channels (200), pixel (1 × 1), many (100,000
// objects) and plain; the caller looks at the pictures that are left in OUTPUT.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowserForSeveral } from "./browser.mjs";
import { expect, PATIENCE, until } from "./tile.mjs";

const [url, study, output] = process.argv.slice(2);
const browser = await openBrowserForSeveral();
const faults = [];
const done = {};
const stages = {
  stack,
  wholeStack,
  play,
  channels,
  pixel,
  many,
  compare,
  figure,
  withoutWebgl,
};
/** For work on one stage: its name, or several. */
const wanted = process.env.STAGES?.split(",") ?? Object.keys(stages);
let page;
let stage;

try {
  for (const name of wanted) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    if (name === "withoutWebgl") await context.addInitScript(forgetWebgl);
    page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 500) faults.push(`server: ${response.status()} ${response.url()}`);
    });
    page.on("console", (message) => {
      if (/GL_INVALID|deck: |shader/i.test(message.text())) faults.push(`console: ${message.text()}`);
    });
    await page.goto(url);
    stage = page.locator(".viewer-stage");
    done[name] = await stages[name]();
    await context.close();
  }
} catch (error) {
  await page?.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  faults.push(`after ${Object.keys(done).join(", ") || "the start"}: ${error.message}`);
  process.exitCode = 1;
} finally {
  console.log(JSON.stringify({ ...done, faults }));
  await browser.close();
}

async function open(image) {
  await page.goto(new URL(`/studies/${study}/images/${image}`, url).href);
  await stage.waitFor();
}

/** A picture of the stage alone, once two in a row are the same. */
async function keep(name) {
  let before = null;
  await until(async () => {
    const now = await stage.screenshot({ path: join(output, `${name}.png`) });
    const isStill = before?.equals(now) ?? false;
    before = now;
    if (!isStill) await page.waitForTimeout(400);
    return isStill;
  }, `${name} never stands still`);
}

/** Raw values under the middle of the picture, by channel, as the status line has them. */
async function values(settled) {
  const { x, y, width, height } = await stage.boundingBox();
  let found = [];
  await until(
    async () => {
      await page.mouse.move(x + width / 2 + 2, y + height / 2 + 2);
      await page.mouse.move(x + width / 2 + 3, y + height / 2 + 2);
      found = await page
        .locator(".viewer-status b")
        .evaluateAll((all) => all.map((each) => Number(each.textContent)));
      return found.length > 0 && found.every(Number.isFinite) && (!settled || settled(found));
    },
    () => `the values under the pointer are ${found}`,
  );
  return found;
}

function slider(name) {
  return page.getByRole("slider", { name });
}

/** Every plane, time and projection shows the numbers that are in the file. */
async function stack() {
  await open("stack");
  const found = {};
  for (const [t, z] of [
    [0, 0],
    [2, 4],
    [1, 3],
  ]) {
    await slider("Time t").fill(String(t));
    await slider("Plane z").fill(String(z));
    const wanted = 1000 * (t + 1) + 100 * z;
    found[`t${t} z${z}`] = await values(([first]) => first === wanted);
  }
  const projection = page.getByLabel("Projection");
  await projection.selectOption("max");
  expect(await slider("Plane z").isDisabled(), "the plane can be chosen although all are shown");
  found.max = await values(([first]) => first === 2400);
  await projection.selectOption("mean");
  found.mean = await values(([first]) => first === 2200);
  await keep("stack-mean");
  await projection.selectOption("none");
  found.again = await values(([first]) => first === 2300);
  found.objects = {};
  for (const z of [0, 3]) {
    await slider("Plane z").fill(String(z));
    found.objects[`z${z}`] = await objectInMiddle(10 + z);
  }
  await projection.selectOption("max");
  found.objects.max = await objectInMiddle(14);
  return found;
}

/** The plane that was analysed, and the stack that it is from: objects are drawn at their own time alone. */
async function wholeStack() {
  await open("deep_t1");
  const found = { plane: await values(([first]) => first === 220) };
  found.said = await page.locator(".stack-choice .soft").textContent();
  await page.getByRole("button", { name: "Whole stack" }).click();
  await slider("Time t").waitFor();
  found.whole = await values(([first]) => first === 220);
  const objects = page.locator(".viewer-status .object");
  await until(async () => (await values()) && (await objects.count()) === 1, "no object lies in the stack");
  found.object = true;
  await slider("Time t").fill("0");
  found.t0 = await values(([first]) => first === 120);
  await page.getByText("none are drawn here").waitFor();
  found.objectAt0 = (await objects.count()) > 0;
  await page.getByLabel("Projection").selectOption("none");
  await slider("Plane z").fill("1");
  found.z1 = await values(([first]) => first === 110);
  await page.getByRole("button", { name: "Analysed plane" }).click();
  await slider("Time t").waitFor({ state: "detached" });
  found.back = await values(([first]) => first === 220);
  return found;
}

/** The object under the middle of the picture, once it is the one that is waited for. */
async function objectInMiddle(wanted) {
  const { x, y, width, height } = await stage.boundingBox();
  const status = page.locator(".viewer-status .object");
  let found = 0;
  await until(
    async () => {
      await page.mouse.move(x + width / 2 + 2, y + height / 2 + 2);
      await page.mouse.move(x + width / 2 + 3, y + height / 2 + 2);
      found = (await status.count()) > 0 ? Number((await status.textContent()).match(/\d+/)[0]) : 0;
      return found === wanted;
    },
    () => `the object under the pointer is ${found}, not ${wanted}`,
  );
  return found;
}

/** Play goes through all planes and starts again; stop stays. */
async function play() {
  await open("stack");
  const plane = slider("Plane z");
  await plane.fill("3");
  await page.getByRole("button", { name: "Play Plane z" }).click();
  const seen = new Set();
  await until(async () => {
    seen.add(Number(await plane.inputValue()));
    return seen.size === 5;
  }, "play does not reach all planes");
  await page.getByRole("button", { name: "Stop Plane z" }).click();
  const stopped = await plane.inputValue();
  await page.waitForTimeout(1000);
  expect((await plane.inputValue()) === stopped, "it goes on after stop");
  return [...seen].sort();
}

/** Of 200 channels any can be found and shown, six at most at once. */
async function channels() {
  await open("channels");
  const shown = page.locator(".viewer-section header .faint").first();
  await until(async () => (await shown.textContent()) === "3 of 200 shown", "not three of 200 at first");
  await page.getByRole("searchbox", { name: "Find a channel" }).fill("marker 17");
  const rows = page.locator(".viewer-channel");
  const box = (name) => page.getByLabel(`Show ${name}`, { exact: true });
  await until(async () => (await rows.count()) === 11, "marker 17 and 170 to 179 are not found");
  for (const name of ["marker 171", "marker 172", "marker 173"])
    await page.getByLabel(`Show ${name}`).check();
  await box("marker 174").click();
  await page.getByText("At most 6 channels can be on at once").waitFor();
  await page.getByRole("searchbox", { name: "Find a channel" }).fill("");
  for (const name of ["marker 0", "marker 1", "marker 2"]) await box(name).uncheck();
  const found = await values((all) => all.length === 3 && all[0] === 171);
  await keep("channels");
  return { rows: await rows.count(), values: found };
}

/** An image of one pixel fills the stage and can be pointed at. */
async function pixel() {
  await open("pixel");
  const found = await values();
  await keep("pixel");
  await page.getByRole("button", { name: "Show all (0)" }).click();
  await page.keyboard.press("1");
  return found;
}

/** 100,000 objects: outlined, coloured by a column, one alone. */
async function many() {
  await open("many");
  await page.getByLabel("Pane 1 shows").selectOption({ label: "otsu-watershed" });
  await keep("many");
  await page.getByLabel("Colour by").selectOption("area");
  await page.locator(".viewer-legend").waitFor();
  const legend = await page.locator(".viewer-legend").textContent();
  await keep("many-area");
  const { x, y, width, height } = await stage.boundingBox();
  await stage.focus();
  for (let step = 0; step < 8; step++) await page.keyboard.press("+");
  const status = page.locator(".viewer-status .object");
  await page.mouse.move(x + width / 2, y + height / 2);
  await until(async () => {
    // From a gap between two objects to the object beside it.
    await page.mouse.move(x + width / 2 + 40 * Math.random(), y + height / 2 + 40 * Math.random());
    return (await status.count()) > 0;
  }, "there is no object under the pointer");
  const label = Number((await status.textContent()).match(/\d+/)[0]);
  await keep("many-close");
  return { label, legend };
}

/** Two panes: side by side both whole, and under a swipe the two halves of one picture. */
async function compare() {
  await open("plain");
  await keep("plain");
  await page.getByRole("button", { name: "Side by side" }).click();
  await page.getByLabel("Pane 1 shows").selectOption({ label: "otsu-watershed" });
  await page.getByLabel("Pane 2 shows").selectOption({ label: "Image only" });
  await keep("side-by-side");
  await page.getByRole("button", { name: "Swipe" }).click();
  await page.getByLabel("Where the two pictures meet").fill("0.5");
  await keep("swipe-50");
  await page.getByLabel("Where the two pictures meet").fill("0.75");
  await keep("swipe-75");
  return null;
}

/** The figure is what is in view, at twice the size, with a scale bar and its settings as text. */
async function figure() {
  await open("plain");
  await page.getByLabel("Pane 1 shows").selectOption({ label: "otsu-watershed" });
  await keep("before-figure");
  await page.getByRole("button", { name: "Save figure …" }).click();
  await page.getByLabel("Size").selectOption("2");
  const downloads = [];
  page.on("download", (download) => downloads.push(download));
  await page.getByRole("button", { name: "Save PNG and settings" }).click();
  await until(() => downloads.length === 2, "the figure was not saved with its settings");
  for (const each of downloads) {
    const name = each.suggestedFilename();
    copyFileSync(await each.path(), join(output, name));
  }
  const { width, height } = await stage.boundingBox();
  return { names: downloads.map((each) => each.suggestedFilename()).sort(), width, height };
}

/** Runs in the page before any of its scripts. */
function forgetWebgl() {
  const real = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
    return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
  };
}

/** Without WebGL2 it says so, and pictures with objects come from the server, also of another part or plane. */
async function withoutWebgl() {
  await open("plain");
  await page.getByText("This browser has no WebGL2").waitFor();
  const pictures = page.locator(".viewer-rendered img");
  const loaded = () => pictures.evaluateAll((all) => all.map((each) => each.complete && each.naturalWidth));
  await page.getByLabel("Pane 1 shows").selectOption({ label: "otsu-watershed" });
  await until(async () => {
    const widths = await loaded();
    return widths.length === 2 && widths.every((width) => width > 100);
  }, "the server's picture and outlines did not come");
  await keep("no-webgl");
  const before = await pictures.first().getAttribute("src");
  await stage.focus();
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  await until(
    async () => (await pictures.first().getAttribute("src")) !== before,
    "no other part is asked for",
  );
  await open("stack");
  await page.getByLabel("Projection").selectOption("max");
  await until(
    async () => /[?&]z=max/.test(await pictures.first().getAttribute("src")),
    "no projection is asked for",
  );
  const planes = () =>
    pictures.evaluateAll((all) => all.map(({ src }) => new URL(src).searchParams.get("z")).join());
  await until(async () => (await planes()) === "max,max", "no projection of the objects is asked for");
  await until(async () => (await loaded()).every((width) => width > 0), "the projection did not come");
  await keep("no-webgl-stack");
  await page.getByLabel("Projection").selectOption("mean");
  await until(async () => (await planes()) === "mean,max", "no mean is asked for");
  await page.getByLabel("Projection").selectOption("none");
  await slider("Plane z").fill("3");
  await until(async () => (await planes()) === "3,3", "no objects of the plane are asked for");
  await until(async () => (await loaded()).every((width) => width > 0), "the plane did not come");
  return loaded();
}
