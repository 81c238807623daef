// What a newcomer does who reads no manual: the demo up to its report, then a folder of their own images up to the
// first estimate with ten audited tiles: node tests/newcomer.mjs URL FOLDER_OF_TIFFS OUTPUT
// A lap is the time of the machine: clicks follow at once. Each leaves a picture.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { Stopwatch } from "./stopwatch.mjs";

const [url, folder, output] = process.argv.slice(2);
const PATIENCE = 420_000;
const browser = await openBrowser();
const page = browser.pages()[0] ?? (await browser.newPage());
page.setDefaultTimeout(PATIENCE);
const watch = new Stopwatch(page, output);
const button = (name) => page.getByRole("button", { name });
const link = (name) => page.getByRole("link", { name });

try {
  await page.goto(url);
  await button("Try the demo").waitFor();
  await watch.lap("home");
  await demo();
  await page.goto(new URL("/", url).href);
  await button("Choose files").waitFor();
  await watch.lap("home-again");
  await ownFolder();
  console.log(JSON.stringify(watch.save()));
} catch (error) {
  await page.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  watch.faults.push(`newcomer: ${error.message}`);
  console.log(JSON.stringify(watch.save()));
  process.exitCode = 1;
} finally {
  await browser.close();
}

/** One click, and then where the page leads. */
async function demo() {
  await button("Try the demo").click();
  await page.waitForTimeout(1500);
  await watch.lap("demo-begun");
  await page.waitForURL("**/studies/demo/**");
  await page.getByRole("heading").first().waitFor();
  await watch.lap("demo-open");
  await link(/^Answer/).click();
  await page.getByRole("heading", { name: "Answer per group" }).waitFor();
  await watch.lap("demo-answer");
  await link(/^Report/).click();
  await page.frameLocator("iframe").getByText("Veriscope report").first().waitFor();
  await watch.lap("demo-report");
}

/** Own images by the file dialog, no group named, everything else as it is offered. */
async function ownFolder() {
  const files = readdirSync(folder).filter((name) => name.endsWith(".tif"));
  const chooser = page.waitForEvent("filechooser");
  await button("Choose files").click();
  await (await chooser).setFiles(
    files.map((name) => ({ name, mimeType: "image/tiff", buffer: readFileSync(join(folder, name)) })),
  );
  await page.getByText(`${files.length} images found`).waitFor();
  // What the files do not say is asked, and what their names say is offered.
  await page.getByLabel("Pixel size in µm").fill("0.5");
  await page.getByText("From the file names: control, drug").waitFor({ state: "attached" });
  await watch.lap("own-question");
  await button("Make the study").click();
  await page.waitForURL("**/images");
  await page.getByText(/control: \d+ images/).waitFor();
  await watch.lap("own-images");
  await page.getByRole("link", { name: /Next: run the candidates/ }).click();
  await page.getByRole("checkbox").first().waitFor();
  await page.getByText("These images are taken for fluorescence.").waitFor();
  await watch.lap("own-candidates");
  const boxes = await page.getByRole("checkbox").count();
  await button(/^Run \d+ candidates/).click();
  await page
    .getByText("objects found")
    .nth(boxes - 1)
    .waitFor();
  await watch.lap("own-run");
  await page.getByRole("link", { name: /^Next/ }).click();
  await page.getByLabel("How many tiles?").fill("10");
  await watch.lap("own-audit");
  await button("Draw 10 tiles").click();
  const said = page.getByText(/^0 of \d+ tiles annotated/).first();
  await said.waitFor();
  const total = Number((await said.textContent()).match(/of (\d+)/)[1]);
  await watch.lap("own-drawn");
  await link(/^Annotate /).click();
  for (let tile = 1; tile <= total; tile++) {
    await page.getByText(`${tile} of ${total}`, { exact: true }).waitFor();
    await button(/^Accept all|^Done, next tile/)
      .first()
      .waitFor();
    const accept = button(/^Accept all [1-9]/);
    if (await accept.count()) await accept.click();
    if (tile === 1) await watch.lap("own-tile");
    await button("Done, next tile").click();
  }
  await page.waitForURL("**/audit");
  await page.getByText(`${total} of ${total} tiles annotated`).first().waitFor();
  await page.getByText("What the tiles say so far").waitFor();
  await watch.lap("own-estimate");
}
