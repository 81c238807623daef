// The whole path on real images, in a real browser, against the real server:
// node tests/path.mjs URL FOLDER_OF_IMAGES OUTPUT
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { Stopwatch } from "./stopwatch.mjs";

const [url, folder, output] = process.argv.slice(2);
const N_IMAGES = 8;
const PATIENCE = 90_000;
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".png"))
  .sort()
  .slice(0, N_IMAGES);
const sheet = [
  "image,group,replicate",
  ...names.map((name, at) => `${name},${at % 2 ? "drug" : "control"},r${at >> 1}`),
];

const browser = await openBrowser();
const page = browser.pages()[0] ?? (await browser.newPage());
page.setDefaultTimeout(PATIENCE);
const watch = new Stopwatch(page, output);
const button = (name) => page.getByRole("button", { name });
const link = (name) => page.getByRole("link", { name });

try {
  await page.goto(url);
  await button("Choose files").waitFor();
  await watch.lap("home");

  await drop([
    ...names.map((name) => ({
      name,
      type: "image/png",
      data: readFileSync(join(folder, name)).toString("base64"),
    })),
    { name: "samples.csv", type: "text/csv", data: Buffer.from(sheet.join("\n")).toString("base64") },
  ]);
  await page.getByText(`${N_IMAGES} images found`).waitFor();
  await page.getByLabel("Name of the study").fill("Dropped nuclei");
  await page.reload(); // What was typed outlives a reload; the files must be dropped again.
  await button("Choose files").waitFor();
  await drop([
    ...names.map((name) => ({
      name,
      type: "image/png",
      data: readFileSync(join(folder, name)).toString("base64"),
    })),
    { name: "samples.csv", type: "text/csv", data: Buffer.from(sheet.join("\n")).toString("base64") },
  ]);
  await page.getByText(`${N_IMAGES} images found`).waitFor();
  expect(
    (await page.getByLabel("Name of the study").inputValue()) === "Dropped nuclei",
    "typed text was lost",
  );
  await watch.lap("question");
  await button("Make the study").click();
  await page.waitForURL("**/studies/dropped-nuclei/images");
  await page.getByText("control: 4 images, 4 replicates").waitFor();
  await watch.lap("images");

  await button("Groups and replicates").click();
  await page.getByLabel(`replicate of ${names[2].replace(".png", "")}`).fill("r0");
  await button("Save 1 change").click();
  await page.getByText("control: 4 images, 3 replicates").waitFor();
  await page.getByLabel(`replicate of ${names[2].replace(".png", "")}`).fill("r1");
  await button("Save 1 change").click();
  await page.getByText("control: 4 images, 4 replicates").waitFor();
  await watch.lap("groups");

  await page.getByRole("link", { name: /Next: run the candidates/ }).click();
  await page.getByRole("checkbox").first().waitFor();
  for (const box of await page.getByRole("checkbox").all())
    if (!/otsu-watershed|local-threshold/.test(await box.getAttribute("aria-label"))) await box.uncheck();
  await button(/^Run 2 candidates/).click();
  await page.getByText("objects found").nth(1).waitFor();
  await watch.lap("candidates");

  await link(/^Audit/).click();
  await page.getByLabel("How many tiles?").fill("10");
  await button("Draw 10 tiles").click();
  await page
    .getByText(/^0 of \d+ tiles annotated/)
    .first()
    .waitFor();
  await watch.lap("audit");

  const [, total] = (
    await page
      .getByText(/^0 of \d+ tiles annotated/)
      .first()
      .textContent()
  ).match(/of (\d+)/);
  await link(/^Annotate /).click();
  for (let tile = 1; tile <= Number(total); tile++) {
    await page.getByText(`${tile} of ${total}`, { exact: true }).waitFor();
    await button(/^Accept all|^Done, next tile/)
      .first()
      .waitFor();
    const accept = button(/^Accept all [1-9]/);
    if (await accept.count()) await accept.click();
    if (tile === 1) await watch.lap("tile");
    await button("Done, next tile").click();
  }
  await page.waitForURL("**/audit");
  await page.getByText(`${total} of ${total} tiles annotated`).first().waitFor();
  await page.getByText("What the tiles say so far").waitFor();
  await watch.lap("annotated");

  await link(/^Answer/).click();
  await button("Work out the answer").click();
  await page.getByRole("heading", { name: "Answer per group" }).waitFor();
  await page.getByText("Are the objects found?").click();
  await watch.lap("answer");

  await link("All objects").click();
  await page.getByRole("row").nth(4).click();
  await page.locator(".picked-values").waitFor();
  await page.locator(".linked-right canvas").first().waitFor();
  const milliseconds = await timeFilter();
  await watch.lap("table");

  await link(/^Report/).click();
  await button("Write the report").click();
  await page.frameLocator("iframe").getByText("Veriscope report").first().waitFor();
  await watch.lap("report");

  await page.keyboard.press("Control+k");
  await page.keyboard.type("settings");
  await page.keyboard.press("Enter");
  await button("Light").click();
  await watch.lap("settings-light");
  await button("Safe for colour blindness").click();
  await watch.lap("settings-colour-blind");

  await browser.setOffline(true);
  await link("Jobs").click();
  await page.reload().catch(() => undefined);
  await browser.setOffline(false);
  await page.goto(new URL("/jobs", url).href);
  await page.getByText("Running candidates").first().waitFor();
  await watch.lap("jobs");
  console.log(JSON.stringify(watch.save({ filter_ms: milliseconds })));
} catch (error) {
  await page.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  watch.faults.push(`path: ${error.message}`);
  console.log(JSON.stringify(watch.save()));
  process.exitCode = 1;
} finally {
  await browser.close();
}

function expect(holds, message) {
  if (!holds) throw new Error(message);
}

/** Drops files as a file manager would: an event with a data transfer that holds them. */
async function drop(files) {
  await page.evaluate((given) => {
    const transfer = new DataTransfer();
    for (const { name, type, data } of given) {
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type }));
    }
    document
      .querySelector(".dropzone")
      .dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
  }, files);
}

/** Milliseconds from choosing a group until its rows are drawn. */
async function timeFilter() {
  return page.evaluate(async () => {
    const group = [...document.querySelectorAll(".filter-bar button.chip")].find(
      (one) => one.textContent === "drug",
    );
    const count = document.querySelector(".linked-left strong");
    const before = count.textContent;
    const from = performance.now();
    group.click();
    while (count.textContent === before && performance.now() - from < 5000)
      await new Promise(requestAnimationFrame);
    return Math.round(performance.now() - from);
  });
}
