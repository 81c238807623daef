// A lab's server with accounts over TLS, on a study from a plate, as viewer, annotator and owner see it:
// node tests/lab.mjs URL STUDY FOLDER OUTPUT
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { Stopwatch } from "./stopwatch.mjs";

const [url, study, folder, output] = process.argv.slice(2);
const browser = await openBrowser({ secure: false });
const page = browser.pages()[0] ?? (await browser.newPage());
page.setDefaultTimeout(90_000);
const watch = new Stopwatch(page, output);
const button = (name) => page.getByRole("button", { name });
const link = (name) => page.getByRole("link", { name });
const at = (path) => new URL(`/studies/${study}/${path}`, url).href;

try {
  await page.goto(url);
  await refuseWrongPassword();
  await lookAsViewer();
  await leave();
  await annotateAsAnnotator();
  await leave();
  await signIn("otto");
  await refuseOtherSites();
  await walkThePlate();
  await askAnotherQuestion();
  await hearOfOthers();
  await loseAnImage();
  console.log(JSON.stringify(watch.save()));
} catch (error) {
  await page.screenshot({ path: join(output, "failed.png") }).catch(() => undefined);
  watch.faults.push(`lab: ${error.stack}`);
  console.log(JSON.stringify(watch.save()));
  process.exitCode = 1;
} finally {
  await browser.close();
}

function expect(holds, message) {
  if (!holds) throw new Error(message);
}

async function signIn(name, password = `password of ${name}`) {
  await page.getByLabel("User").fill(name);
  await page.getByLabel("Password").fill(password);
  await button("Sign in").click();
}

/** Status of a request that the page makes by itself. */
function ask(method, path, headers = { "X-Veriscope": "1", "Content-Type": "application/json" }) {
  return page.evaluate(
    async ([how, where, given]) =>
      (await fetch(where, { method: how, headers: given, body: how === "GET" ? undefined : "{}" })).status,
    [method, path, headers],
  );
}

async function refuseWrongPassword() {
  await signIn("vera", "not her password");
  await page.getByText("There is no account with this name and password.").waitFor();
  expect((await ask("GET", "/api/studies")) === 401, "studies are shown to a stranger");
  await watch.lap("sign-in");
}

async function lookAsViewer() {
  await signIn("vera");
  await page.getByText("vera · viewer").waitFor();
  const [cookie] = await browser.cookies();
  expect(cookie.secure && cookie.httpOnly && cookie.sameSite === "Strict", "the cookie is not safe");
  expect((await button("Choose files").count()) === 0, "a viewer is offered to make a study");
  await page.goto(at("audit"));
  await page
    .getByText(/^\d+ of \d+ tiles annotated/)
    .first()
    .waitFor();
  expect((await link(/^Annotate /).count()) === 0, "a viewer is offered to annotate");
  await page.locator(".tile-grid a").first().click();
  await page.getByText("You may look at this tile").waitFor();
  const draw = await ask("POST", `/api/studies/${study}/audit/draw`);
  const run = await ask("POST", `/api/studies/${study}/jobs`);
  expect(draw === 403 && [403, 422].includes(run), `a viewer draws (${draw}) or runs (${run})`);
  await watch.lap("viewer");
}

async function leave() {
  await page.goto(new URL("/settings", url).href);
  await button("Sign out").click();
  await page.getByRole("heading", { name: "Sign in to Veriscope" }).waitFor();
  expect((await ask("GET", "/api/studies")) === 401, "signed out, and still inside");
}

async function annotateAsAnnotator() {
  await signIn("anna");
  await page.getByText("anna · annotator").waitFor();
  await page.goto(at("images"));
  await page.locator(".well").first().waitFor();
  expect((await button("Change the question").count()) === 0, "an annotator may change the question");
  await page.goto(at("audit"));
  await link(/^(Annotate|Go on with) /).click();
  const accept = button(/^Accept all [1-9]/);
  const done = button("Done, next tile");
  await accept.or(done).first().waitFor();
  if (await accept.count()) await accept.click();
  await done.click();
  await page.goto(at("audit"));
  await page
    .getByText(/^1 of \d+ tiles annotated/)
    .first()
    .waitFor();
  const names = await page.evaluate(
    async (id) =>
      (await (await fetch(`/api/studies/${id}/audit`)).json()).units.flatMap(({ annotators }) =>
        annotators.map(({ annotator }) => annotator),
      ),
    study,
  );
  expect(names.includes("anna"), `the tile was saved by ${names}`);
  await watch.lap("annotator");
}

async function refuseOtherSites() {
  await page.getByText("otto · owner").waitFor();
  const path = `/api/studies/${study}/jobs`;
  const plain = await ask("POST", path, { "Content-Type": "application/json" });
  expect(plain === 403, `without its header a request was answered ${plain}`);
  const stranger = await browser.newPage();
  await stranger.goto("about:blank");
  // Whether it is sent or not: the browser gives the other site no answer, and the server does nothing.
  await stranger.evaluate(
    (target) =>
      fetch(target, { method: "POST", mode: "no-cors", credentials: "include", body: "{}" }).catch(
        () => undefined,
      ),
    new URL(path, url).href,
  );
  const framed = await stranger.evaluate(async (target) => {
    const frame = document.createElement("iframe");
    frame.src = target;
    document.body.append(frame);
    await new Promise((resolve) => {
      frame.onload = resolve;
      setTimeout(resolve, 5000);
    });
    try {
      return frame.contentDocument?.body?.textContent ?? null;
    } catch {
      return null;
    }
  }, url);
  expect(!framed, "another site may frame the app");
  await stranger.close();
  expect(
    (await page.evaluate(async () => (await (await fetch("/api/jobs")).json()).length)) === 0,
    "a job was begun by another site",
  );
}

/** Heat map → well → field → objects found there → one object. */
async function walkThePlate() {
  await page.goto(at("images"));
  await page.locator(".well").first().waitFor();
  expect((await page.locator(".well").count()) === 6, "not six wells");
  await page.getByLabel("Colour wells by").selectOption("fields");
  await page.getByRole("button", { name: /^B0?3: 2/ }).waitFor();
  await page.getByLabel("Colour wells by").selectOption("intensity");
  await watch.lap("plate");
  const all = await page.locator(".image-grid li").count();
  await page.getByRole("button", { name: /^C0?3: / }).click();
  await page.locator(".image-grid li").nth(1).waitFor();
  expect(
    (await page.locator(".image-grid li").count()) === 2 && all === 12,
    "a well does not show its fields",
  );
  await page.locator(".image-grid a").first().click();
  await page.locator(".viewer-stage canvas").first().waitFor();
  await watch.lap("field");
  await page.goto(at("answer/table"));
  await page.getByRole("row").nth(3).click();
  await page.locator(".picked-values").waitFor();
  await page.locator(".linked-right canvas").first().waitFor();
  await watch.lap("object");
}

async function askAnotherQuestion() {
  await page.goto(at("images"));
  await button("Change the question").click();
  await page.getByText("This is the question that is asked now.").waitFor();
  await page.getByLabel("What do you want to know?").selectOption("mean-area");
  await page.getByText("What is the mean area of the nuclei in each group?").waitFor();
  await page.getByText("The annotated tile: nothing has to be drawn again.").waitFor();
  expect(
    await page.getByLabel("What do you look for?").isDisabled(),
    "the object may be changed after annotating",
  );
  await watch.lap("question");
  await button("Ask this question").click();
  await page.getByRole("heading", { name: /mean area/ }).waitFor();
}

/** Two pages on one study, and a person with an editor: each hears of what the others do. */
async function hearOfOthers() {
  const second = await browser.newPage();
  second.setDefaultTimeout(60_000);
  await second.goto(at("images"));
  await second.getByText(/tolerance ±10/).waitFor();
  const file = join(folder, "study.yaml");
  await page.waitForTimeout(3000);
  writeFileSync(file, readFileSync(file, "utf8").replace("tolerance: 0.1", "tolerance: 0.07"));
  await second.getByText(/tolerance ±7/).waitFor();
  await page.getByText(/tolerance ±7/).waitFor();
  await second.close();
  await watch.lap("heard");
}

async function loseAnImage() {
  const [first] = await page.evaluate(
    async (id) => (await (await fetch(`/api/studies/${id}/images`)).json()).images.map((image) => image.id),
    study,
  );
  rmSync(join(folder, "images"), { recursive: true });
  await page.goto(at(`images/${first}`));
  await page.getByText("The image is gone").first().waitFor();
  await watch.lap("gone");
  await page.goto(at("images"));
  await page.locator(".image-grid li").first().waitFor();
}
