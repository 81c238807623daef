// What a run of the browser saw: seconds of each stage, pictures, and everything that went wrong.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seriousFaults } from "./axe.mjs";

export class Stopwatch {
  constructor(page, output) {
    this.page = page;
    this.output = output;
    this.seconds = {};
    this.faults = [];
    this.from = performance.now();
    mkdirSync(output, { recursive: true });
    page.on("pageerror", (error) => this.faults.push(`script: ${error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 500) this.faults.push(`server: ${response.status()} ${response.url()}`);
    });
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) this.faults.push(`policy: ${message.text()}`);
    });
  }

  /** Ends a stage: its seconds since the last one, a picture, and what axe says. */
  async lap(name) {
    this.seconds[name] = Math.round((performance.now() - this.from) / 100) / 10;
    await this.page.screenshot({ path: join(this.output, `${name}.png`) });
    for (const fault of await seriousFaults(this.page)) this.faults.push(`axe on ${name}: ${fault}`);
    this.from = performance.now();
  }

  save(more = {}) {
    const found = { seconds: this.seconds, faults: this.faults, ...more };
    writeFileSync(join(this.output, "result.json"), JSON.stringify(found, null, 1));
    return found;
  }
}
