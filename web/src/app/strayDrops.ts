/** A file that is dropped where nothing takes it would replace the page, and with it what was being done. */
export function refuseStrayDrops(): () => void {
  const refuse = (event: DragEvent) => {
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  };
  // Before those who take files, so that they have the last word.
  window.addEventListener("dragover", refuse, { capture: true });
  window.addEventListener("drop", refuse, { capture: true });
  return () => {
    window.removeEventListener("dragover", refuse, { capture: true });
    window.removeEventListener("drop", refuse, { capture: true });
  };
}
