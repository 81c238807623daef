// Pointing at objects that a model outlines:
// node tests/model.mjs URL STUDY UNIT SIZE ADD OUTPUT, on a tile of SIZE × SIZE pixels with bright discs at the places
// below. ADD is the command, as a JSON list, that adds a model on the server; before it there is none.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { seriousFaults } from "./axe.mjs";
import { openBrowserForSeveral } from "./browser.mjs";
import { expect, PATIENCE, Tile, until } from "./tile.mjs";

const [url, study, unit, side, add, output] = process.argv.slice(2);
const size = [Number(side), Number(side)];
/** Where the caller has put discs: alone, two that touch, one to be framed, one to be given up. */
const discs = { alone: [60, 60], left: [70, 150], right: [96, 150], framed: [180, 70], spared: [190, 190] };
const browser = await openBrowserForSeveral();
const faults = [];
const done = [];
let page;
let tile;

try {
  for (const stage of [offerNothing, lookAgain, click, refine, frame, giveUp, takeBack, survive]) {
    await stage();
    done.push(stage.name);
  }
} catch (error) {
  await page?.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  faults.push(`after ${done.join(", ") || "the start"}: ${error.message}`);
  process.exitCode = 1;
} finally {
  console.log(JSON.stringify({ done, faults, discs }));
  await browser.close();
}

function panel() {
  return page.locator("section[aria-label=Model]");
}

/** Waits until the panel says where the tool is: ready, outline, empty … */
function stage(name) {
  return page.locator(`[data-model=${name}]`).waitFor();
}

async function pixels() {
  await stage("outline");
  return Number((await panel().getByRole("status").textContent()).match(/Outline of (\d+) pixels/)[1]);
}

/** While annotating blind the tool is off; otherwise it says how to add a model, where there is none. */
async function offerNothing() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  await context.addInitScript(() => {
    const state = { theme: "dark", annotator: "ana", blind: true, drafts: {} };
    if (!localStorage.getItem("veriscope"))
      localStorage.setItem("veriscope", JSON.stringify({ state, version: 0 }));
  });
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("response", (response) => {
    if (response.status() >= 500) faults.push(`server: ${response.status()} ${response.url()}`);
  });
  await page.goto(url);
  tile = new Tile(page, url, { study, unit, size });
  await tile.open();
  await tile.press("g");
  expect((await tile.tool()) === "Model", `G chooses ${await tile.tool()}`);
  await panel().getByText("so this tool is off").waitFor();
  await tile.click(discs.alone);
  // What is drawn by hand keeps proposals of candidates away when the annotator does not work blind any more.
  await tile.press("b");
  await tile.draw([
    [20, 230],
    [60, 230],
  ]);
  await tile.counts(1, "a stroke, and no outline while blind");
  await page.getByLabel("Annotate blind").uncheck();
  await tile.press("g");
  await panel().getByText("veriscope models add FOLDER").waitFor();
}

/** A model that is added while the page is open is found. */
async function lookAgain() {
  const [program, ...words] = JSON.parse(add);
  await promisify(execFile)(program, words);
  await panel().getByRole("button", { name: "Look again" }).click();
  await stage("ready");
  await panel().getByText("Licence: CC0-1.0").waitFor();
  await panel().locator("[data-evidence=untested]").waitFor();
}

/** One click outlines, Enter takes. */
async function click() {
  await tile.click(discs.alone);
  await stage("outline");
  expect((await tile.count()) === 1, "an outline is an object before it was taken");
  await page.screenshot({ path: join(output, "outline.png") });
  faults.push(...(await seriousFaults(page)).map((fault) => `axe: ${fault}`));
  await tile.press("Enter");
  await tile.counts(2, "an outline that was taken");
  await stage("ready");
}

/** Alt-click says what is not the object; undo takes the click back. */
async function refine() {
  await tile.click(discs.left);
  const both = await pixels();
  const other = tile.place(discs.right);
  await page.keyboard.down("Alt");
  await page.mouse.click(other.x, other.y);
  await page.keyboard.up("Alt");
  await until(async () => (await pixels()) < 0.7 * both, "a click outside leaves the outline as it was");
  await tile.press("Control+z");
  await until(async () => (await pixels()) === both, "undo does not take the click back");
  await page.keyboard.down("Shift");
  await page.mouse.click(other.x, other.y);
  await page.keyboard.up("Shift");
  await until(async () => (await pixels()) < 0.7 * both, "shift-click does not say what is outside");
  await panel().getByRole("button", { name: "Take the outline" }).click();
  await tile.counts(3, "one of two that touch");
}

/** A box around an object. */
async function frame() {
  const [x, y] = discs.framed;
  await tile.draw([
    [x - 22, y - 20],
    [x + 21, y + 22],
  ]);
  await stage("outline");
  await tile.press("Enter");
  await tile.counts(4, "what was framed");
}

/** Escape, or another tool, gives up what was not taken. */
async function giveUp() {
  await tile.click(discs.spared);
  await stage("outline");
  await tile.press("Escape");
  await stage("ready");
  const { x, y } = tile.place(discs.spared);
  await page.keyboard.down("Shift");
  await page.mouse.click(x, y);
  await page.keyboard.up("Shift");
  await page.getByText("Click inside the object first").waitFor();
  await tile.click(discs.spared);
  await stage("outline");
  await tile.press("b");
  await page.getByText("The outline was given up").waitFor();
  await tile.counts(4, "what was given up is no object");
}

/** A taken outline is one step of undo and redo. */
async function takeBack() {
  await tile.press("Control+z");
  await tile.counts(3, "undone");
  await tile.press("Control+y");
  await tile.counts(4, "done again");
  await tile.sent();
}

/** After a reload everything is there, and the version that is saved names the model. */
async function survive() {
  await page.reload();
  await tile.ready();
  await tile.counts(4, "after a reload");
  await tile.save(1);
}
