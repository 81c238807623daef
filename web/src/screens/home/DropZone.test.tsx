import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { refuseStrayDrops } from "../../app/strayDrops";
import { text } from "../../app/strings";
import { DropZone } from "./DropZone";

afterEach(cleanup);

const file = new File(["pixels"], "b.tif");
const transfer = () => ({ items: [{ kind: "file" }], files: [file], dropEffect: "move" });

/** Send what a browser sends for files over or on an element (jsdom knows no event of dragging). */
async function send(kind: "dragover" | "dragleave" | "drop", target: Element, more: object = {}) {
  const event = new Event(kind, { bubbles: true, cancelable: true });
  Object.assign(event, { dataTransfer: transfer(), relatedTarget: null }, more);
  await act(async () => {
    target.dispatchEvent(event);
  });
  return event as DragEvent;
}

test("files dropped beside the zone are taken as well", async () => {
  const taken = vi.fn();
  render(
    <>
      <p>beside</p>
      <DropZone big onFiles={taken} />
    </>,
  );
  const event = await send("drop", screen.getByText("beside"));
  expect(event.defaultPrevented).toBe(true);
  expect(taken).toHaveBeenCalledOnce();
  expect(taken.mock.calls[0]?.[0]).toEqual([{ name: "b.tif", file }]);
});

test("the zone says what a drop would do while files are over the page, and no longer", async () => {
  render(<DropZone big onFiles={() => undefined} />);
  const zone = screen.getByLabelText(text.home.drop);
  await send("dragover", zone);
  expect(screen.getByText(text.home.dropNow)).toBeTruthy();
  await send("dragleave", zone, { relatedTarget: document.body });
  expect(screen.getByText(text.home.dropNow)).toBeTruthy();
  await send("dragleave", zone);
  expect(screen.queryByText(text.home.dropNow)).toBeNull();
});

test("a drop of nothing, such as text from another window, begins nothing", async () => {
  const taken = vi.fn();
  render(<DropZone big={false} onFiles={taken} />);
  await send("drop", document.body, { dataTransfer: { items: [], files: [] } });
  expect(taken).not.toHaveBeenCalled();
});

test("where nothing takes files a drop does not replace the page; a zone has the last word", async () => {
  const end = refuseStrayDrops();
  const stray = await send("dragover", document.body);
  expect(stray.defaultPrevented).toBe(true);
  expect(stray.dataTransfer?.dropEffect).toBe("none");
  expect((await send("drop", document.body)).defaultPrevented).toBe(true);
  const { unmount } = render(<DropZone big onFiles={() => undefined} />);
  expect((await send("dragover", document.body)).dataTransfer?.dropEffect).toBe("copy");
  unmount();
  end();
  expect((await send("drop", document.body)).defaultPrevented).toBe(false);
});
