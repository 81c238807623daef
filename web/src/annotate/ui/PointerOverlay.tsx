import { useEffect, useLayoutEffect, useRef } from "react";
import { type Size, toScreen } from "../canvas/camera";
import type { Point } from "../model/labels";
import { radiusAt } from "../state/preferences";
import type { Editor, Preview } from "../state/useEditor";

interface Props {
  readonly editor: Editor;
  readonly screen: Size;
}

/** The circle of the brush, and the line of a gesture that is not finished. Both move without rendering. */
export function PointerOverlay({ editor, screen }: Props) {
  const { tool, preferences, camera, previews, pointer } = editor;
  const line = useRef<SVGPathElement>(null);
  const ring = useRef<HTMLDivElement>(null);
  const at = useRef<Point | null>(null);
  const hasBrush = tool === "brush" || tool === "erase";
  const radius = radiusAt(preferences, camera.scale) * camera.scale;
  const now = useRef({ camera, radius });
  now.current = { camera, radius };
  useEffect(() => {
    previews.listener = (preview) =>
      line.current?.setAttribute("d", preview ? pathOf(preview, now.current.camera) : "");
    pointer.listener = (to) => {
      at.current = to;
      if (ring.current) place(ring.current, to, now.current.radius);
    };
    return () => {
      previews.listener = () => {};
      pointer.listener = () => {};
    };
  }, [previews, pointer]);
  // Another tool, brush or zoom under a pointer that rests.
  useLayoutEffect(() => {
    if (hasBrush && ring.current) place(ring.current, at.current, radius);
  }, [hasBrush, radius]);
  return (
    <div className="tile-overlay">
      <svg width={screen.width} height={screen.height} aria-hidden="true">
        <path ref={line} className="gesture" />
      </svg>
      {hasBrush && <div ref={ring} className="brush" style={{ width: 2 * radius, height: 2 * radius }} />}
    </div>
  );
}

function place(ring: HTMLElement, at: Point | null, radius: number): void {
  ring.style.visibility = at ? "visible" : "hidden";
  if (at) ring.style.transform = `translate(${at.x - radius}px, ${at.y - radius}px)`;
}

function pathOf({ points, isClosed }: Preview, camera: Editor["camera"]): string {
  const corners = points.map((point) => {
    const { x, y } = toScreen(camera, point);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return corners.length === 0 ? "" : `M${corners.join("L")}${isClosed ? "Z" : ""}`;
}
