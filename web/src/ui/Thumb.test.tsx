import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { text } from "../app/strings";
import { Thumb } from "./Thumb";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const picture = () => document.querySelector("img");
const wait = (milliseconds: number) => act(() => vi.advanceTimersByTime(milliseconds));

test("a picture that fails is asked for again, at another address than the one that failed", () => {
  render(<Thumb src="/a/thumbnail" />);
  expect(picture()?.getAttribute("src")).toBe("/a/thumbnail");
  fireEvent.error(picture() as HTMLImageElement);
  expect(picture()).toBeNull();
  wait(2000);
  expect(picture()?.getAttribute("src")).toBe("/a/thumbnail?again=1");
});

test("a picture that stays away is given up, and says so", () => {
  render(<Thumb src="/a/thumbnail?size=64" />);
  for (let tries = 0; tries < 10; tries++) {
    if (picture()) fireEvent.error(picture() as HTMLImageElement);
    wait(20_000);
  }
  expect(picture()).toBeNull();
  expect(screen.getByText(text.noPicture)).toBeTruthy();
});

test("another picture begins anew; none is none", () => {
  const { rerender } = render(<Thumb src={null} />);
  expect(picture()).toBeNull();
  rerender(<Thumb src="/b" lazy />);
  expect(picture()?.getAttribute("src")).toBe("/b");
  expect(picture()?.getAttribute("loading")).toBe("lazy");
});
