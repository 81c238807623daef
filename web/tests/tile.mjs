// What scripts that draw on tiles share: opening one, drawing at pixels of it, and waiting.
export const PATIENCE = 90_000;

export function expect(holds, message) {
  if (!holds) throw new Error(message);
}

/** Waits until something holds; it may be a promise of it. */
export async function until(holds, message, milliseconds = PATIENCE / 3) {
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(typeof message === "function" ? message() : message);
}

/** A tile that fills its image, in front of one annotator. */
export class Tile {
  /** `size`: width and height of the image in pixels. */
  constructor(page, address, { study, unit, size }) {
    this.page = page;
    this.address = new URL(`/studies/${study}/audit/${unit}`, address).href;
    this.size = size;
    this.footer = page.locator(".tile-footer");
  }

  async open() {
    await this.page.goto(this.address);
    await this.ready();
  }

  async ready() {
    await this.footer.waitFor();
    await this.page.locator(".tile-canvas canvas").waitFor();
    this.frame = await this.page.locator(".tile-canvas").boundingBox();
  }

  /** Objects by the footer. */
  async count() {
    return Number((await this.footer.textContent()).match(/(\d+) objects?/)[1]);
  }

  async counts(n, message) {
    await until(async () => (await this.count()) === n, `${message}: ${await this.count()} instead of ${n}`);
  }

  /** Screen pixels per pixel of the tile, as it is shown at first: whole, 40 pixels from the nearest border. */
  get scale() {
    const { width, height } = this.frame;
    return Math.min((width - 80) / this.size[0], (height - 80) / this.size[1]);
  }

  /** Where the centre of a pixel is on the screen, while the tile is shown as at first. */
  place([x, y]) {
    const { frame, scale, size } = this;
    return {
      x: frame.x + frame.width / 2 + (x + 0.5 - size[0] / 2) * scale,
      y: frame.y + frame.height / 2 + (y + 0.5 - size[1] / 2) * scale,
    };
  }

  /** Draws with the mouse through pixels of the tile, and leaves the button down if asked to. */
  async draw(points, { steps = 12, release = true } = {}) {
    const [first, ...rest] = points.map((point) => this.place(point));
    await this.page.mouse.move(first.x, first.y);
    await this.page.mouse.down();
    for (const { x, y } of rest) await this.page.mouse.move(x, y, { steps });
    if (release) await this.page.mouse.up();
  }

  async click(point) {
    const { x, y } = this.place(point);
    await this.page.mouse.click(x, y);
  }

  press(key) {
    return this.page.keyboard.press(key);
  }

  tool() {
    return this.page.locator(".tile-tools .tool[aria-pressed=true] span").textContent();
  }

  /** Waits until the server has every stroke. */
  async sent() {
    await this.footer.locator("[data-sync=sent][data-unsent='0']").waitFor();
  }

  /** Saves, and waits until the server has answered with this version. */
  async save(version) {
    await this.press("Control+s");
    await this.page
      .locator(".tile-header")
      .getByText(`Saved as version ${version}`, { exact: true })
      .waitFor();
  }
}
