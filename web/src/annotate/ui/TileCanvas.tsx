import { useEffect, useRef } from "react";
import type { ChannelDisplay } from "../../viewer/display/channels";
import type { TilePixels } from "../api";
import { fitCamera, type Size } from "../canvas/camera";
import { LabelPainter } from "../canvas/painter";
import { drawPicture } from "../canvas/pictureCanvas";
import { Renderer } from "../canvas/renderer";
import type { CountedObject } from "../model/counting";
import type { Editor } from "../state/useEditor";
import { words } from "../strings";
import { PointerOverlay } from "./PointerOverlay";
import { PromptOverlay } from "./PromptOverlay";
import { usePointer } from "./usePointer";

interface Props {
  readonly editor: Editor;
  readonly unit: string;
  readonly pixels: TilePixels;
  readonly channels: readonly ChannelDisplay[];
  readonly objects: readonly CountedObject[];
  readonly screen: Size;
}

/** The picture to draw on. */
export function TileCanvas({ editor, unit, pixels, channels, objects, screen }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawing = useDrawing(canvas, { editor, pixels, channels, objects, screen });
  const handlers = usePointer(editor, screen);
  return (
    <div className="tile-canvas" data-tool={editor.tool} {...handlers}>
      <canvas ref={canvas} role="img" aria-label={words.editor(unit)} data-ready={drawing} />
      <PromptOverlay editor={editor} />
      <PointerOverlay editor={editor} screen={screen} />
    </div>
  );
}

function useDrawing(
  canvas: React.RefObject<HTMLCanvasElement | null>,
  { editor, pixels, channels, objects, screen }: Omit<Props, "unit">,
): boolean {
  const { session, tile, camera, selected, preferences, setCamera } = editor;
  const { look } = preferences;
  const parts = useRef<{ picture: HTMLCanvasElement; painter: LabelPainter; renderer: Renderer } | null>(
    null,
  );
  const fitted = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once for a tile; the effects below keep it up to date
  useEffect(() => {
    if (!canvas.current) return;
    const picture = document.createElement("canvas");
    drawPicture(picture, pixels, channels);
    const painter = new LabelPainter(session.document.labels, session.document.status, look);
    const scene = { picture, painter, tile, camera, selected, objects, isVisible: look.isVisible };
    const renderer = new Renderer(canvas.current, scene);
    if (screen.width > 0) renderer.resize(screen, window.devicePixelRatio || 1);
    parts.current = { picture, painter, renderer };
    const stop = session.onPaint((box) => renderer.invalidateLabels(box));
    return () => {
      stop();
      renderer.destroy();
    };
  }, [session, pixels]);
  useEffect(() => {
    if (screen.width === 0) return;
    parts.current?.renderer.resize(screen, window.devicePixelRatio || 1);
    if (!fitted.current) setCamera(fitCamera(tile, screen, 40));
    fitted.current = true;
  }, [screen, tile, setCamera]);
  useEffect(() => {
    if (!parts.current) return;
    drawPicture(parts.current.picture, pixels, channels);
    parts.current.renderer.invalidateAll();
  }, [pixels, channels]);
  useEffect(() => {
    parts.current?.painter.setLook(look);
    parts.current?.renderer.invalidateAll();
  }, [look]);
  useEffect(() => {
    if (!parts.current) return;
    const { picture, painter, renderer } = parts.current;
    renderer.setScene({ picture, painter, tile, camera, selected, objects, isVisible: look.isVisible });
  }, [tile, camera, selected, objects, look]);
  return fitted.current;
}
