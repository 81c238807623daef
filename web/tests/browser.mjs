// Debian's Chromium through playwright-core, without any of its own traffic.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
];

/** Open a browser with a profile of its own; `close` on the result ends it. */
export function openBrowser({ width = 1440, height = 900 } = {}) {
  return chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "veriscope-chromium-")), {
    executablePath: process.env.VERISCOPE_CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
    viewport: { width, height },
  });
}
