import { type PointerEvent, useEffect, useRef, type WheelEvent } from "react";
import { pan, type Size, toPixel, zoomAt } from "../canvas/camera";
import type { Point } from "../model/labels";
import type { Editor } from "../state/useEditor";

const PEN_ERASER = 32;
const PRIMARY = 1;

/** Mouse, pen and touch on the picture: draws, moves and zooms. Nothing is rendered anew while they move. */
export function usePointer(editor: Editor, screen: Size) {
  const now = useRef({ editor, screen });
  now.current = { editor, screen };
  const fingers = useRef(new Map<number, Point>());
  const mode = useRef<"none" | "draw" | "move" | "pinch">("none");
  const last = useRef<Point>({ x: 0, y: 0 });
  const holdsSpace = useSpace();
  const penIsDown = useRef(false);

  const place = (event: { clientX: number; clientY: number; currentTarget: Element }): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.x, y: event.clientY - box.y };
  };
  const move = (to: Point) => {
    const { camera, setCamera, session } = now.current.editor;
    setCamera(
      pan(camera, to.x - last.current.x, to.y - last.current.y, session.document.labels, now.current.screen),
    );
    last.current = to;
  };
  const pinch = (event: PointerEvent, to: Point) => {
    const before = [...fingers.current.values()];
    fingers.current.set(event.pointerId, to);
    const after = [...fingers.current.values()];
    const { camera, setCamera, session } = now.current.editor;
    const [from, until] = [spread(before), spread(after)];
    const zoomed = zoomAt(
      camera,
      until.width / Math.max(1, from.width),
      until.middle,
      session.document.labels,
      now.current.screen,
    );
    const [dx, dy] = [until.middle.x - from.middle.x, until.middle.y - from.middle.y];
    setCamera(pan(zoomed, dx, dy, session.document.labels, now.current.screen));
  };

  const onPointerDown = (event: PointerEvent) => {
    const to = place(event);
    if (event.pointerType === "touch" && penIsDown.current) return;
    if (event.pointerType === "pen") penIsDown.current = true;
    if (event.pointerType === "touch") fingers.current.set(event.pointerId, to);
    event.currentTarget.setPointerCapture(event.pointerId);
    last.current = to;
    const { runner, tool, camera, session } = now.current.editor;
    session.clock.touch();
    if (fingers.current.size > 1) {
      runner.cancel();
      mode.current = "pinch";
      return;
    }
    const draws = event.button === 0 && !holdsSpace.current && tool !== "pan";
    const erases = (event.buttons & PEN_ERASER) !== 0;
    mode.current = draws || erases ? "draw" : "move";
    if (mode.current === "draw") {
      const modifiers = { shift: event.shiftKey, alt: event.altKey || erases, ctrl: event.ctrlKey };
      runner.press(toPixel(camera, to), modifiers, camera.scale);
    }
  };
  const onPointerMove = (event: PointerEvent) => {
    const to = place(event);
    const { runner, camera, pointer } = now.current.editor;
    pointer.listener(to);
    if (mode.current === "pinch" && fingers.current.has(event.pointerId)) pinch(event, to);
    else if (mode.current === "move" && event.buttons !== 0) move(to);
    else if (event.buttons === 0 || mode.current === "draw") {
      for (const each of coalesced(event))
        runner.move(toPixel(camera, place({ ...each, currentTarget: event.currentTarget })));
    }
  };
  const onPointerUp = (event: PointerEvent) => {
    if (event.pointerType === "pen") penIsDown.current = false;
    fingers.current.delete(event.pointerId);
    const { runner, camera } = now.current.editor;
    if (mode.current === "draw") runner.release(toPixel(camera, place(event)));
    if (fingers.current.size === 0) mode.current = "none";
  };
  const onPointerCancel = (event: PointerEvent) => {
    fingers.current.delete(event.pointerId);
    penIsDown.current = false;
    mode.current = "none";
    now.current.editor.runner.cancel();
  };
  const onWheel = (event: WheelEvent) => {
    const { camera, setCamera, session } = now.current.editor;
    const factor = Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016));
    setCamera(zoomAt(camera, factor, place(event), session.document.labels, now.current.screen));
  };
  return {
    onPointerDown,
    onPointerMove,
    onPointerUp,
    onPointerCancel,
    onPointerLeave: () => now.current.editor.pointer.listener(null),
    onDoubleClick: () => now.current.editor.runner.finish({ shift: false, alt: false, ctrl: false }),
    onWheel,
    onContextMenu: (event: { preventDefault(): void }) => event.preventDefault(),
  };
}

/** Positions between two frames, so that fast strokes stay round. */
function coalesced(event: PointerEvent): { clientX: number; clientY: number }[] {
  const found =
    (event.nativeEvent.buttons & PRIMARY) !== 0 ? event.nativeEvent.getCoalescedEvents?.() : undefined;
  const events = found && found.length > 0 ? found : [event.nativeEvent];
  return events.map(({ clientX, clientY }) => ({ clientX, clientY }));
}

function spread(points: readonly Point[]): { middle: Point; width: number } {
  const [a, b] = [points[0] as Point, points[1] ?? (points[0] as Point)];
  return { middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, width: Math.hypot(a.x - b.x, a.y - b.y) };
}

function useSpace() {
  const holds = useRef(false);
  useEffect(() => {
    const set = (event: KeyboardEvent) => {
      if (event.code === "Space") holds.current = event.type === "keydown";
    };
    window.addEventListener("keydown", set);
    window.addEventListener("keyup", set);
    return () => {
      window.removeEventListener("keydown", set);
      window.removeEventListener("keyup", set);
    };
  }, []);
  return holds;
}
