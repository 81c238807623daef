import { describe, expect, it, vi } from "vitest";
import { Cache } from "./cache";

const size = (text: string) => text.length;

describe("the cache", () => {
  it("loads once, also when asked twice at the same time", async () => {
    const cache = new Cache(100, size);
    const load = vi.fn(async () => "value");
    expect(await Promise.all([cache.get("a", load), cache.get("a", load)])).toEqual(["value", "value"]);
    expect(await cache.get("a", load)).toBe("value");
    expect(load).toHaveBeenCalledTimes(1);
    expect(cache.peek("a")).toBe("value");
  });

  it("forgets what was used longest ago when it is full, and never the newest", async () => {
    const cache = new Cache(10, size);
    for (const key of ["a", "b"]) await cache.get(key, async () => "12345");
    await cache.get("a", async () => "");
    await cache.get("c", async () => "12345");
    expect([cache.peek("a"), cache.peek("b"), cache.peek("c")]).toEqual(["12345", undefined, "12345"]);
    await cache.get("large", async () => "x".repeat(50));
    expect(cache.peek("large")).toHaveLength(50);
    expect(cache.peek("a")).toBeUndefined();
  });

  it("tries again after a failure", async () => {
    const cache = new Cache(10, size);
    await expect(cache.get("a", () => Promise.reject(new Error("lost")))).rejects.toThrow("lost");
    expect(await cache.get("a", async () => "now")).toBe("now");
  });
});
