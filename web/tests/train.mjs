// Training in a real browser, from the form to the package, and the answer with stated probabilities:
// node tests/train.mjs URL STUDY OUTPUT
import { statSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { Stopwatch } from "./stopwatch.mjs";

const [url, study, output] = process.argv.slice(2);
const LONG = 480_000;
const browser = await openBrowser();
const page = browser.pages()[0] ?? (await browser.newPage());
page.setDefaultTimeout(120_000);
const watch = new Stopwatch(page, output);
const button = (name) => page.getByRole("button", { name });
const at = (path) => new URL(`/studies/${study}/${path}`, url).href;

try {
  await page.goto(url);
  await button(/Go to/).waitFor();
  await answer();
  await train();
  await takeAway();
  console.log(JSON.stringify(watch.save()));
} catch (error) {
  await page.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  watch.faults.push(`train: ${error.stack}`);
  console.log(JSON.stringify(watch.save()));
  process.exitCode = 1;
} finally {
  await browser.close();
}

function expect(holds, message) {
  if (!holds) throw new Error(message);
}

/** The answer shows whether stated probabilities hold, and who states none. */
async function answer() {
  await page.goto(at("answer"));
  await button("Work out the answer").click();
  await page.getByRole("heading", { name: "Answer per group" }).waitFor();
  const card = page.locator(".card", {
    has: page.getByRole("heading", { name: "Do stated probabilities hold?" }),
  });
  await card.locator("circle").first().waitFor();
  await card.getByText("State no probabilities: otsu-watershed.").waitFor();
  expect(
    (await card.locator("[data-evidence]").count()) > 0,
    "the card does not say how far it can be trusted",
  );
  await card.scrollIntoViewIfNeeded();
  await watch.lap("reliability");
  await page.getByRole("button", { name: "Best", exact: true }).click();
  await page.getByRole("heading", { name: "Where it did best" }).waitFor();
  for (const picture of await page.locator("#tiles img.thumb").all()) {
    await picture.scrollIntoViewIfNeeded();
    await page.waitForFunction((image) => image.naturalWidth > 0, await picture.elementHandle());
  }
  await watch.lap("tiles");
}

async function train() {
  await page.goto(at("train"));
  await page
    .getByText(/^(\d+) of \1 training tiles annotated/)
    .first()
    .waitFor();
  await page.getByLabel("Begin with").selectOption("nuclei-fluorescence");
  await page.getByLabel("What learns").selectOption("head");
  await page.getByLabel("Minutes").fill("0,2");
  await watch.lap("form");
  await button("Train").click();
  await page.locator(".job-card").waitFor();
  await page.getByText("learning", { exact: true }).waitFor({ timeout: LONG });
  await page.waitForFunction(
    () => (document.querySelector(".learned.line[points]")?.getAttribute("points") ?? "") !== "",
    undefined,
    { timeout: LONG },
  );
  await watch.lap("learning");
  await page.getByText("Compared with its start, nuclei-fluorescence").waitFor({ timeout: LONG });
  await page
    .getByText(/not shown to be better|better than its start/)
    .first()
    .waitFor();
  await page.getByText("new − start").waitFor();
  await page.locator(".job-card").waitFor({ state: "detached", timeout: LONG });
  await watch.lap("trained");
}

async function takeAway() {
  const coming = page.waitForEvent("download");
  await page.getByRole("link", { name: /^Package/ }).click();
  const file = await coming;
  expect(file.suggestedFilename().endsWith(".zip"), `the package is called ${file.suggestedFilename()}`);
  expect(statSync(await file.path()).size > 100_000, "the package is empty");
  await page.getByRole("link", { name: "To the candidates" }).click();
  await page.getByText("nuclei-fluorescence-tuned").first().waitFor();
  await watch.lap("candidate");
}
