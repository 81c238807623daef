import { type Labels, makeLabels, type Point } from "./labels";

/** Repeatable random numbers for property tests (mulberry32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 up to 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  choose<T>(values: readonly T[]): T {
    return values[this.integer(0, values.length - 1)] as T;
  }

  /** A point that may lie a little outside the image. */
  point(width: number, height: number): Point {
    return { x: this.next() * (width + 4) - 2, y: this.next() * (height + 4) - 2 };
  }
}

/** Runs a check with many seeds; the message of a failure says which seed to repeat. */
export function forSeeds(count: number, check: (random: Random) => void): void {
  for (let seed = 1; seed <= count; seed++) {
    try {
      check(new Random(seed * 7919));
    } catch (error) {
      throw new Error(`with seed ${seed}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }
}

/** Label image with random discs, some of which overlap. */
export function randomLabels(random: Random): Labels {
  const labels = makeLabels(random.integer(1, 40), random.integer(1, 40));
  const { width, height, data } = labels;
  const objects = random.integer(0, 8);
  for (let label = 1; label <= objects; label++) {
    const centre = random.point(width, height);
    const radius = 1 + 6 * random.next();
    for (let i = 0; i < data.length; i++) {
      if (Math.hypot((i % width) - centre.x, Math.floor(i / width) - centre.y) <= radius) data[i] = label;
    }
  }
  return labels;
}

/** Label image from a drawing: `.` is background, digits are labels. */
export function drawing(text: string): Labels {
  const rows = text.trim().split(/\s+/);
  const width = rows[0]?.length ?? 0;
  const values = rows.flatMap((row) => [...row].map((letter) => (letter === "." ? 0 : Number(letter))));
  return makeLabels(width, rows.length, Int32Array.from(values));
}

/** The drawing of a label image, for messages that can be read. */
export function asDrawing({ width, height, data }: Labels): string {
  return Array.from({ length: height }, (_, y) =>
    [...data.subarray(y * width, (y + 1) * width)]
      .map((label) => (label === 0 ? "." : String(label)))
      .join(""),
  ).join("\n");
}
