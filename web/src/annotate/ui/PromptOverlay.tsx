import { useMemo, useSyncExternalStore } from "react";
import { toScreen } from "../canvas/camera";
import { outlineSegments } from "../canvas/outlines";
import type { Editor } from "../state/useEditor";

/** What was pointed at, and the outline that a model proposes: seen, but not drawn yet. */
export function PromptOverlay({ editor }: { editor: Editor }) {
  const { prompting, camera, session } = editor;
  const { points, box, places } = useSyncExternalStore(prompting.subscribe, prompting.getState);
  const { width, height } = session.document.labels;
  const outline = useMemo(() => pathOf(places, width, height), [places, width, height]);
  if (!prompting.isOpen) return null;
  const { scale, x, y } = camera;
  return (
    <svg className="tile-prompt" width="100%" height="100%" aria-hidden="true">
      <g transform={`matrix(${scale} 0 0 ${scale} ${x} ${y})`}>
        {["under", "over"].map((layer) => (
          <g key={layer} className={layer}>
            <path d={outline} />
            {box && <rect x={box.x0} y={box.y0} width={box.x1 - box.x0} height={box.y1 - box.y0} />}
          </g>
        ))}
      </g>
      {points.map((point, i) => {
        const at = toScreen(camera, point);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: points only come and go at the end
          <g key={i} className={point.inside ? "inside" : "outside"} transform={`translate(${at.x} ${at.y})`}>
            <circle r={7} />
            <path d={point.inside ? "M-3.500 0h7M0-3.500v7" : "M-3.500 0h7"} />
          </g>
        );
      })}
    </svg>
  );
}

/** The edges between pixels of an outline and all others, in pixel corners. */
function pathOf(places: Int32Array, width: number, height: number): string {
  if (places.length === 0) return "";
  const data = new Int32Array(width * height);
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (const place of places) {
    data[place] = 1;
    const x = place % width;
    const y = (place - x) / width;
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
  }
  const segments = outlineSegments({ width, height, data }, { x0, y0, x1, y1 }).get(1) ?? [];
  return segments.map(([ax, ay, bx, by]) => `M${ax} ${ay}L${bx} ${by}`).join("");
}
