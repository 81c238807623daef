// What is drawn on tiles reaches the server, whatever happens in between:
// node tests/strokes.mjs URL STUDY SIZE OUTPUT, with a study of blank images a to f of SIZE × SIZE pixels.
// Prints where what was drawn, in pixels of the tile, so that the caller can look whether it is there.
import { join } from "node:path";
import { openBrowserForSeveral } from "./browser.mjs";
import { expect, PATIENCE, Tile, until } from "./tile.mjs";

const [url, study, side, output] = process.argv.slice(2);
const size = [Number(side), Number(side)];
const browser = await openBrowserForSeveral();
const faults = [];
const done = {};
const stages = { reachServer, undoAfterReload, usePresets, workInTwo, loseConnection, drawWithFingers };
/** For work on one stage: its name, or several. */
const wanted = process.env.STAGES?.split(",") ?? Object.keys(stages);
let page;

try {
  for (const name of wanted) {
    done[name] = await stages[name]();
    for (const context of browser.contexts()) await context.close();
  }
} catch (error) {
  await page?.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  faults.push(`after ${Object.keys(done).join(", ") || "the start"}: ${error.message}`);
  process.exitCode = 1;
} finally {
  console.log(JSON.stringify({ ...done, faults }));
  await browser.close();
}

/** A person at a computer of their own, who annotates blind. */
async function arrive(annotator, more = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...more });
  await context.addInitScript((name) => {
    const state = { theme: "dark", annotator: name, blind: true, drafts: {} };
    if (!localStorage.getItem("veriscope"))
      localStorage.setItem("veriscope", JSON.stringify({ state, version: 0 }));
  }, annotator);
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("response", (response) => {
    if (response.status() >= 500) faults.push(`server: ${response.status()} ${response.url()}`);
  });
  await page.goto(url);
  return page;
}

async function openTile(name, annotator, more) {
  const tile = new Tile(await arrive(annotator, more), url, { study, unit: `${name}_tile000`, size });
  await tile.open();
  return tile;
}

/** Brush, eraser, polygon and lasso, each at a place that is told. */
async function reachServer() {
  const tile = await openTile("a", "ana");
  const stroke = [
    [60, 50],
    [180, 50],
  ];
  const cut = [
    [120, 30],
    [120, 70],
  ];
  const polygon = [
    [40, 100],
    [100, 100],
    [100, 150],
    [40, 150],
  ];
  const lasso = [
    [150, 110],
    [220, 120],
    [200, 180],
    [150, 110],
  ];
  await tile.press("b");
  await tile.draw(stroke);
  await tile.counts(1, "a stroke is one object");
  await tile.save(1);
  await tile.press("e");
  await tile.draw(cut);
  await tile.press("p");
  for (const corner of polygon) await tile.click(corner);
  await tile.press("Enter");
  await tile.press("l");
  await tile.draw(lasso, { steps: 30 });
  await tile.counts(3, "a polygon and a lasso are an object each");
  await tile.sent();
  await tile.save(2);
  return { stroke, cut, polygon, lasso, radius: 18 / tile.scale };
}

/** Undo goes back over a reload, and over a version that was saved. */
async function undoAfterReload() {
  const tile = await openTile("b", "ana");
  await tile.press("b");
  for (const y of [40, 100, 160]) {
    await tile.draw([
      [50, y],
      [150, y],
    ]);
  }
  await tile.counts(3, "three strokes");
  await tile.save(1);
  await tile.page.reload();
  await tile.ready();
  await tile.counts(3, "after a reload");
  await tile.press("Control+z");
  await tile.press("Control+z");
  await tile.counts(1, "undone twice");
  await tile.save(2);
  await tile.page.reload();
  await tile.ready();
  await tile.counts(1, "after another reload");
  await tile.press("Control+y");
  await tile.counts(2, "done again");
  await tile.save(3);
  await tile.sent();
  return { y: [40, 100, 160] };
}

/** Every preset has the keys of its program, and is still chosen after a reload. */
async function usePresets() {
  const keys = {
    napari: { 1: "Erase", 2: "Brush", 4: "Fill", 5: "Pick", 6: "Move" },
    QuPath: { b: "Brush", w: "Click", m: "Move", p: "Polygon", s: "Pick" },
    Cellpose: { d: "Lasso", b: "Brush", e: "Erase", g: "Delete" },
  };
  const tile = await openTile("c", "ana");
  const hides = { napari: "v", QuPath: "h", Cellpose: "x" };
  for (const [preset, table] of Object.entries(keys)) {
    await tile.press("?");
    const sheet = tile.page.getByRole("dialog");
    await sheet.getByRole("button", { name: preset, exact: true }).click();
    await tile.press("Escape");
    await sheet.waitFor({ state: "hidden" });
    await tile.page.reload();
    await tile.ready();
    for (const [key, name] of Object.entries(table)) {
      await tile.press(key);
      await until(async () => (await tile.tool()) === name, `${preset}: ${key} is not ${name}`);
    }
    const shown = tile.page.getByLabel("Show objects");
    await tile.press(hides[preset]);
    await until(async () => !(await shown.isChecked()), `${preset}: ${hides[preset]} does not hide objects`);
    await tile.press(hides[preset]);
    await until(() => shown.isChecked(), `${preset}: ${hides[preset]} does not show objects again`);
  }
  return Object.keys(keys);
}

/** Two people on one tile keep a version each; one person at two computers is asked, and both are kept. */
async function workInTwo() {
  const [ana, ben, again] = [
    await openTile("d", "ana"),
    await openTile("d", "ben"),
    await openTile("d", "ana"),
  ];
  const places = { ana: 60, ben: 62, again: 180 };
  const line = (y) => [
    [50, y],
    [200, y],
  ];
  for (const tile of [ana, ben, again]) await tile.press("b");
  await ana.draw(line(places.ana));
  await ben.draw(line(places.ben));
  // Versions of a tile are counted together, whoever made them.
  await ana.save(1);
  await ben.save(2);
  await ben.page.goto(new URL(`/studies/${study}/audit`, url).href);
  const card = ben.page.locator(".card", { hasText: "ana – ben" });
  await card.waitFor();
  const agreement = await card.textContent();
  // The same name at another computer, where the tile was opened before the version above.
  await again.draw(line(places.again));
  await again.press("Control+s");
  await again.page.getByText("Another version was saved meanwhile").waitFor();
  await again.page.getByRole("button", { name: "Save mine after it" }).click();
  await again.page.getByText("Saved as version 3", { exact: true }).waitFor();
  await ana.draw(line(120));
  await ana.press("Control+s");
  await ana.page.getByText("Another version was saved meanwhile").waitFor();
  await ana.page.getByRole("button", { name: "Go on with the other" }).click();
  await ana.counts(1, "the other version");
  await ana.press("Control+z");
  await ana.counts(2, "what was drawn here is one undo away");
  return { ...places, agreement };
}

/** The connection goes while the button is down, and comes back after the button was let go. */
async function loseConnection() {
  const tile = await openTile("e", "ana");
  const context = tile.page.context();
  const stroke = [
    [40, 60],
    [120, 60],
    [120, 160],
    [200, 160],
  ];
  await tile.press("b");
  await tile.draw(stroke.slice(0, 2), { release: false });
  await context.setOffline(true);
  const rest = stroke.slice(2).map((point) => tile.place(point));
  for (const { x, y } of rest) {
    await tile.page.mouse.move(x, y, { steps: 8 });
    // Long enough that the stroke is kept in pieces.
    await tile.page.waitForTimeout(900);
  }
  await tile.page.mouse.up();
  await tile.counts(1, "the stroke");
  await tile.footer.locator("[data-sync=waiting]").waitFor();
  const unsent = Number(await tile.footer.locator("[data-sync]").getAttribute("data-unsent"));
  expect(unsent > 0, "nothing is waiting, although nothing could be sent");
  await context.setOffline(false);
  await tile.sent();
  // Another browser of the same person has it from the server alone.
  const elsewhere = await openTile("e", "ana");
  await elsewhere.counts(1, "in another browser");
  await elsewhere.press("Control+z");
  await elsewhere.counts(0, "the pieces of a stroke are undone together");
  await elsewhere.press("Control+y");
  await elsewhere.save(1);
  return { stroke, unsent, radius: 18 / tile.scale };
}

/** One finger draws, two move and zoom, and a second finger that comes late leaves what was drawn. */
async function drawWithFingers() {
  const tile = await openTile("f", "ana", { hasTouch: true });
  const client = await tile.page.context().newCDPSession(tile.page);
  const touch = (type, ...points) =>
    client.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.map((point, id) => ({ ...tile.place(point), id })),
    });
  const stroke = [
    [50, 60],
    [200, 60],
  ];
  await tile.press("b");
  await touch("touchStart", stroke[0]);
  for (let x = 60; x <= 200; x += 10) await touch("touchMove", [x, 60]);
  await touch("touchEnd");
  await tile.counts(1, "one finger draws");
  const before = await tile.page.locator(".tile-bar").textContent();
  await touch("touchStart", [100, 150]);
  await touch("touchMove", [110, 150]);
  await touch("touchStart", [110, 150], [150, 150]);
  for (let step = 1; step <= 10; step++)
    await touch("touchMove", [110 - 4 * step, 150], [150 + 4 * step, 150]);
  await touch("touchEnd");
  await until(
    async () => (await tile.page.locator(".tile-bar").textContent()) !== before,
    "two fingers did not zoom",
  );
  await tile.counts(2, "a second finger that came late took away what was drawn, or went on drawing");
  await tile.press("0");
  await tile.save(1);
  return { stroke, radius: 18 / tile.scale };
}
