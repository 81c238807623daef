// Pictures of the main screens, without what changes from run to run:
// node tests/screens.mjs URL STUDY IMAGE UNIT OUTPUT
import { join } from "node:path";
import { openBrowserForSeveral } from "./browser.mjs";
import { PATIENCE, until } from "./tile.mjs";

const [url, study, image, unit, output] = process.argv.slice(2);
const browser = await openBrowserForSeveral();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE);
const faults = [];
const taken = [];
page.on("pageerror", (error) => faults.push(error.message));

/** Where each screen is, and what is there when it is complete. */
const screens = {
  images: ["images", ".image-name"],
  viewer: [`images/${image}`, ".viewer-pointer canvas"],
  candidates: ["candidates", "text=objects found"],
  audit: ["audit", ".tile-grid img"],
  tile: [`audit/${unit}`, ".tile-canvas canvas"],
  table: ["answer/table", ".object-row [role=gridcell]"],
};
/** Times, speeds and numbers of results are another each time, or may be. */
const CHANGING = ["dd", ".tile-footer .faint", ".tile-count", ".viewer-status"];

try {
  await page.goto(url);
  for (const [name, [path, complete]] of Object.entries(screens)) {
    await page.goto(new URL(`/studies/${study}/${path}`, url).href);
    await page.locator(complete).first().waitFor();
    await page.mouse.move(0, 0);
    await keep(name);
  }
} catch (error) {
  await page.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  faults.push(`after ${taken.join(", ") || "the start"}: ${error.message}`);
  process.exitCode = 1;
} finally {
  console.log(JSON.stringify({ taken, faults }));
  await browser.close();
}

/** Whether every picture of the page is there; one that failed at first is asked for again by the page. */
function hasPictures() {
  const visible = [...document.images].filter((each) => each.getBoundingClientRect().top < innerHeight);
  return (
    !document.querySelector(".thumb.missing") &&
    visible.every((each) => each.complete && each.naturalWidth > 0)
  );
}

/** A picture, once all of its parts came and two in a row are the same. */
async function keep(name) {
  await page.waitForFunction(hasPictures);
  let before = null;
  await until(async () => {
    const now = await page.screenshot({
      path: join(output, `${name}.png`),
      mask: CHANGING.map((each) => page.locator(`${each} >> visible=true`)),
      maskColor: "#404040",
      animations: "disabled",
    });
    const isStill = before?.equals(now) ?? false;
    before = now;
    if (!isStill) await page.waitForTimeout(600);
    return isStill;
  }, `${name} never stands still`);
  taken.push(name);
}
