/**
 * Minimum cut of a grid whose pixels are joined to their eight neighbours, by the search trees of Boykov and
 * Kolmogorov (IEEE Transactions on Pattern Analysis and Machine Intelligence 26, 2004, 1124–1137).
 */

const STEPS = [
  [1, 0],
  [0, 1],
  [1, 1],
  [-1, 1],
  [-1, 0],
  [0, -1],
  [-1, -1],
  [1, -1],
] as const;

/** Directions that name every pair of neighbours once; direction + 4 is the way back. */
export const PAIRS = STEPS.slice(0, 4);

const FREE = 0;
const SOURCE = 1;
const SINK = 2;
const NONE = -1;
const ROOT = 8;

/** What it costs to separate: whole numbers, none negative. */
export interface Costs {
  readonly width: number;
  readonly height: number;
  /** For each pixel the cost of being outside, less that of being inside. */
  readonly preference: Int32Array;
  /** For each of `PAIRS`, for each pixel, the cost of being on another side than that neighbour. */
  readonly pairs: readonly Int32Array[];
}

/** 1 for the pixels inside, 0 for those outside, such that the sum of costs is as small as it can be. */
export function minCut(costs: Costs): Uint8Array {
  const cut = new Cut(costs);
  cut.run();
  return cut.inside();
}

class Cut {
  private readonly width: number;
  private readonly height: number;
  /** What can still flow from a pixel in each direction. */
  private readonly left: readonly Int32Array[];
  /** What can still flow from the source (positive) or to the sink (negative). */
  private readonly terminal: Int32Array;
  private readonly tree: Uint8Array;
  /** Direction towards the root of the tree. */
  private readonly parent: Int8Array;
  private readonly isActive: Uint8Array;
  private active: number[] = [];
  private head = 0;
  private orphans: number[] = [];
  /** When a pixel was last known to hang on a root, and how far from it. */
  private readonly stamp: Int32Array;
  private readonly far: Int32Array;
  private time = 0;

  constructor({ width, height, preference, pairs }: Costs) {
    [this.width, this.height] = [width, height];
    const n = width * height;
    this.left = STEPS.map(() => new Int32Array(n));
    pairs.forEach((cost, d) => {
      for (let i = 0; i < n; i++) {
        const j = this.neighbour(i, d);
        if (j < 0) continue;
        (this.left[d] as Int32Array)[i] = cost[i] as number;
        (this.left[d + 4] as Int32Array)[j] = cost[i] as number;
      }
    });
    this.terminal = preference.slice();
    this.tree = new Uint8Array(n);
    this.parent = new Int8Array(n).fill(NONE);
    this.isActive = new Uint8Array(n);
    this.stamp = new Int32Array(n);
    this.far = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      if (preference[i] === 0) continue;
      this.tree[i] = (preference[i] as number) > 0 ? SOURCE : SINK;
      this.parent[i] = ROOT;
      this.activate(i);
    }
  }

  run(): void {
    for (let i = this.next(); i >= 0; i = this.next()) {
      // A pixel goes on growing as long as it meets the other tree.
      while (this.parent[i] !== NONE && this.grow(i)) this.adopt();
    }
  }

  inside(): Uint8Array {
    return Uint8Array.from(this.tree, (tree) => (tree === SOURCE ? 1 : 0));
  }

  private neighbour(i: number, d: number): number {
    const [dx, dy] = STEPS[d] as (typeof STEPS)[number];
    const x = (i % this.width) + dx;
    const y = Math.floor(i / this.width) + dy;
    return x < 0 || y < 0 || x >= this.width || y >= this.height ? -1 : y * this.width + x;
  }

  private activate(i: number): void {
    if (this.isActive[i]) return;
    this.isActive[i] = 1;
    this.active.push(i);
  }

  private next(): number {
    while (this.head < this.active.length) {
      const i = this.active[this.head++] as number;
      this.isActive[i] = 0;
      if (this.parent[i] !== NONE) return i;
    }
    [this.active, this.head] = [[], 0];
    return -1;
  }

  /** What can flow between a pixel and its neighbour, away from the source of its tree. */
  private between(i: number, d: number, j: number): number {
    return this.tree[i] === SOURCE
      ? ((this.left[d] as Int32Array)[i] as number)
      : ((this.left[(d + 4) % 8] as Int32Array)[j] as number);
  }

  /** Takes in free neighbours; where the other tree is met, lets flow what can. False if there is no more. */
  private grow(i: number): boolean {
    for (let d = 0; d < 8; d++) {
      const j = this.neighbour(i, d);
      if (j < 0 || this.between(i, d, j) === 0) continue;
      if (this.tree[j] === FREE) {
        this.tree[j] = this.tree[i] as number;
        this.parent[j] = (d + 4) % 8;
        this.stamp[j] = this.stamp[i] as number;
        this.far[j] = (this.far[i] as number) + 1;
        this.activate(j);
      } else if (this.tree[j] !== this.tree[i]) {
        if (this.tree[i] === SOURCE) this.augment(i, d, j);
        else this.augment(j, (d + 4) % 8, i);
        return true;
      }
    }
    return false;
  }

  /** Lets flow through `from` → `to` what the way from the source and the way to the sink can take. */
  private augment(from: number, d: number, to: number): void {
    this.time += 1;
    let most = (this.left[d] as Int32Array)[from] as number;
    most = Math.min(most, this.onWay(from), this.onWay(to));
    this.push(from, d, most);
    this.flow(from, most);
    this.flow(to, most);
  }

  /** What can flow between a pixel and the terminal of its tree. */
  private onWay(start: number): number {
    let most = Number.POSITIVE_INFINITY;
    let i = start;
    while (this.parent[i] !== ROOT) {
      const d = this.parent[i] as number;
      const up = this.neighbour(i, d);
      const room = this.tree[i] === SOURCE ? this.left[(d + 4) % 8]?.[up] : this.left[d]?.[i];
      most = Math.min(most, room as number);
      i = up;
    }
    return Math.min(most, Math.abs(this.terminal[i] as number));
  }

  private push(i: number, d: number, amount: number): void {
    const j = this.neighbour(i, d);
    const [there, back] = [this.left[d] as Int32Array, this.left[(d + 4) % 8] as Int32Array];
    there[i] = (there[i] as number) - amount;
    back[j] = (back[j] as number) + amount;
  }

  private flow(start: number, amount: number): void {
    let i = start;
    while (this.parent[i] !== ROOT) {
      const d = this.parent[i] as number;
      const up = this.neighbour(i, d);
      const isSource = this.tree[i] === SOURCE;
      if (isSource) this.push(up, (d + 4) % 8, amount);
      else this.push(i, d, amount);
      const room = isSource ? this.left[(d + 4) % 8]?.[up] : this.left[d]?.[i];
      if (room === 0) this.orphan(i);
      i = up;
    }
    this.terminal[i] = (this.terminal[i] as number) - Math.sign(this.terminal[i] as number) * amount;
    if (this.terminal[i] === 0) this.orphan(i);
  }

  private orphan(i: number): void {
    this.parent[i] = NONE;
    this.orphans.push(i);
  }

  /** Finds a new parent in the same tree for every pixel that lost its own, or sets it free. */
  private adopt(): void {
    for (let i = this.orphans.pop(); i !== undefined; i = this.orphans.pop()) {
      let best = Number.POSITIVE_INFINITY;
      for (let d = 0; d < 8; d++) {
        const far = this.distanceVia(i, d);
        if (far >= best) continue;
        best = far;
        this.parent[i] = d;
      }
      if (best < Number.POSITIVE_INFINITY) {
        this.stamp[i] = this.time;
        this.far[i] = best + 1;
      } else this.free(i);
    }
  }

  /** How far a neighbour that could be the parent is from a root; infinite if it could not be. */
  private distanceVia(i: number, d: number): number {
    const j = this.neighbour(i, d);
    if (j < 0 || this.tree[j] !== this.tree[i] || this.between(j, (d + 4) % 8, i) === 0)
      return Number.POSITIVE_INFINITY;
    let steps = 0;
    let at = j;
    while (this.stamp[at] !== this.time && this.parent[at] !== ROOT) {
      if (this.parent[at] === NONE) return Number.POSITIVE_INFINITY;
      at = this.neighbour(at, this.parent[at] as number);
      steps += 1;
    }
    if (this.parent[at] === ROOT) [this.stamp[at], this.far[at]] = [this.time, 1];
    const far = steps + (this.far[at] as number);
    // The whole way is known now: the next that asks need not walk it.
    for (let on = j, left = far; this.stamp[on] !== this.time; left--) {
      [this.stamp[on], this.far[on]] = [this.time, left];
      on = this.neighbour(on, this.parent[on] as number);
    }
    return far;
  }

  private free(i: number): void {
    for (let d = 0; d < 8; d++) {
      const j = this.neighbour(i, d);
      if (j < 0 || this.tree[j] !== this.tree[i]) continue;
      // Also if it is an orphan itself: should it find a parent, it can grow into this pixel again.
      if (this.between(j, (d + 4) % 8, i) > 0) this.activate(j);
      if (this.parent[j] === (d + 4) % 8) this.orphan(j);
    }
    this.tree[i] = FREE;
  }
}
