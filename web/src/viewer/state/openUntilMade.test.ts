import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Pyramid } from "../data/pyramid";
import { openUntilMade } from "./openUntilMade";

const pyramid = (made: number | null) => ({ url: "u", info: { made }, levels: [] }) as unknown as Pyramid;

describe("an image of which resolutions are being made", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is opened again until all of it is there, and what is seen stays if the server is gone", async () => {
    const open = vi
      .fn<(url: string) => Promise<Pyramid>>()
      .mockResolvedValueOnce(pyramid(0.1))
      .mockRejectedValueOnce(new Error("lost"))
      .mockResolvedValueOnce(pyramid(0.9))
      .mockResolvedValue(pyramid(null));
    const [onOpen, onError] = [vi.fn(), vi.fn()];
    openUntilMade("u", onOpen, onError, open);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(onOpen.mock.calls.map(([source]) => source.pyramid.info.made)).toEqual([0.1, 0.9, null]);
    expect(onError).not.toHaveBeenCalled();
    expect(open).toHaveBeenCalledTimes(4);
  });

  it("is not opened again when the page is left, or when it could not be opened at all", async () => {
    const open = vi.fn(async () => pyramid(0.1));
    const stop = openUntilMade("u", vi.fn(), vi.fn(), open);
    await vi.advanceTimersByTimeAsync(500);
    stop();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(open).toHaveBeenCalledTimes(1);
    const fails = vi.fn(() => Promise.reject(new Error("no image")));
    const onError = vi.fn();
    openUntilMade("u", vi.fn(), onError, fails);
    await vi.advanceTimersByTimeAsync(20_000);
    expect([fails.mock.calls.length, onError.mock.calls.length]).toEqual([1, 1]);
  });
});
