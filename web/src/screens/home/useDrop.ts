import { useEffect, useRef, useState } from "react";
import type { NamedFile } from "../../api/uploads";
import { fromDrop } from "./dropped";

/** Take files that are dropped anywhere on the page; tells whether some are over it now. */
export function useDrop(onFiles: (files: NamedFile[]) => void): boolean {
  const [over, setOver] = useState(false);
  const take = useRef(onFiles);
  take.current = onFiles;

  useEffect(() => {
    const enter = (event: DragEvent) => {
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
      setOver(true);
    };
    // Going from one element to the next is a leaving too, but not of the page.
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) setOver(false);
    };
    const drop = async (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const found = event.dataTransfer ? await fromDrop(event.dataTransfer) : [];
      if (found.length) take.current(found);
    };
    window.addEventListener("dragover", enter);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", enter);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, []);
  return over;
}
