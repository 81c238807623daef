import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { TileSource } from "../data/source";
import { fitBox } from "../render/views";
import type { ViewerState } from "../state/viewerState";
import { words } from "../strings";
import { Toolbar } from "./Toolbar";

afterEach(cleanup);

const SIZE = { width: 800, height: 600 };
const WHOLE = { x0: 0, y0: 0, x1: 1000, y1: 1000 };
const source = { pyramid: { width: 1000, height: 1000 } } as TileSource;
const labels = ["a", "b", "c", "d"].map((id) => ({ id, name: id }));

function stateOf(change: Partial<ViewerState>): ViewerState {
  return {
    ...{ arrangement: "side-by-side", shown: ["a", "b", "c", "d"], linked: true },
    ...change,
  } as ViewerState;
}

/** The state after a press on a button of the toolbar. */
function press(name: string, state: ViewerState): ViewerState {
  let next = state;
  render(
    <Toolbar
      image={{ name: "x" } as never}
      source={source}
      state={state}
      labels={labels as never}
      size={SIZE}
      hasPanel
      onState={(found) => {
        next = found;
      }}
      onPanel={() => undefined}
      onExport={() => undefined}
    />,
  );
  fireEvent.click(screen.getByText(name));
  return next;
}

test("who sees the whole image in four panes sees all of it, as large as there is room, in one", () => {
  const small = fitBox(WHOLE, { width: SIZE.width / 4, height: SIZE.height });
  const next = press(words.single, stateOf({ views: [small] }));
  expect(next.arrangement).toBe("single");
  expect(next.views).toEqual([fitBox(WHOLE, SIZE)]);
});

test("who looks at one place goes on looking at it at the same size", () => {
  const place = { x: 120, y: 400, zoom: 2 };
  expect(press(words.single, stateOf({ views: [place] })).views).toEqual([place]);
});

test("all is shown within the width of each pane", () => {
  const next = press(words.zoomAll, stateOf({ views: [{ x: 1, y: 1, zoom: 5 }] }));
  expect(next.views).toEqual([fitBox(WHOLE, { width: SIZE.width / 4, height: SIZE.height })]);
});
