import { useEffect, useRef } from "react";
import { type Size, toScreen } from "../canvas/camera";
import type { Point } from "../model/labels";
import { radiusAt } from "../state/preferences";
import type { Editor, Preview } from "../state/useEditor";

interface Props {
  readonly editor: Editor;
  readonly at: Point | null;
  readonly screen: Size;
}

/** The circle of the brush, and the line of a gesture that is not finished. */
export function PointerOverlay({ editor, at, screen }: Props) {
  const { tool, preferences, camera, previews } = editor;
  const line = useRef<SVGPathElement>(null);
  const now = useRef(camera);
  now.current = camera;
  useEffect(() => {
    previews.listener = (preview) =>
      line.current?.setAttribute("d", preview ? pathOf(preview, now.current) : "");
    return () => {
      previews.listener = () => {};
    };
  }, [previews]);
  const hasBrush = at && (tool === "brush" || tool === "erase");
  return (
    <svg className="tile-overlay" width={screen.width} height={screen.height} aria-hidden="true">
      <path ref={line} className="gesture" />
      {hasBrush && (
        <>
          <circle
            className="brush-shadow"
            cx={at.x}
            cy={at.y}
            r={radiusAt(preferences, camera.scale) * camera.scale}
          />
          <circle
            className="brush"
            cx={at.x}
            cy={at.y}
            r={radiusAt(preferences, camera.scale) * camera.scale}
          />
        </>
      )}
    </svg>
  );
}

function pathOf({ points, isClosed }: Preview, camera: Editor["camera"]): string {
  const corners = points.map((point) => {
    const { x, y } = toScreen(camera, point);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return corners.length === 0 ? "" : `M${corners.join("L")}${isClosed ? "Z" : ""}`;
}
