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
  "--enable-unsafe-swiftshader",
];

/**
 * Open a browser with a profile of its own; `close` on the result ends it. `secure: false` takes any certificate.
 *
 * It draws as on a computer without a graphics card: WebGL by SwiftShader, all else without it. (With
 * `--use-angle=swiftshader` the whole page would go through WebGL's stand-in, which no user has, and is slow.)
 */
export function openBrowser({ width = 1440, height = 900, secure = true } = {}) {
  return chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "veriscope-chromium-")), {
    executablePath: process.env.VERISCOPE_CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
    viewport: { width, height },
    ignoreHTTPSErrors: !secure,
  });
}

/** Open a browser in which several people have a page each; `newContext` gives one that shares nothing. */
export function openBrowserForSeveral() {
  return chromium.launch({
    executablePath: process.env.VERISCOPE_CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS.filter((flag) => flag !== "--headless"),
  });
}
