/** Width of an element in pixels, so that a plot is drawn at its true size and its letters stay small. */
import { type RefObject, useEffect, useState } from "react";

const FIRST_GUESS = 720;

export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(FIRST_GUESS);
  useEffect(() => {
    const box = element.current;
    if (!box || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.max(300, Math.floor(entry.contentRect.width)));
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
