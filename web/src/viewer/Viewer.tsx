import "./viewer.css";
import { useEffect, useState } from "react";
import { ErrorMessage, Message } from "../ui/Message";
import { MetadataError } from "./data/metadata";
import { useTileSource } from "./state/usePyramid";
import { hasWebGL2 } from "./state/webgl";
import { words } from "./strings";
import type { ViewerProps } from "./types";
import { Fallback } from "./ui/Fallback";
import { OpenViewer } from "./ui/OpenViewer";

/**
 * Shows an image with the objects of candidates over it: any size, any number of channels, planes and
 * times, up to four candidates side by side or two under a swipe. Nothing here changes a pixel.
 */
export function Viewer(props: ViewerProps) {
  const [attempt, setAttempt] = useState(0);
  const opened = useTileSource(props.image.zarr, attempt);
  const [isReady, setReady] = useState(false);
  // The graphics card is asked after the first paint, which it may delay.
  useEffect(() => setReady(true), []);
  if (opened.state === "failed") {
    const again = (
      <button type="button" className="button small" onClick={() => setAttempt(attempt + 1)}>
        {words.openAgain}
      </button>
    );
    return (
      <div className="viewer-message">
        <h3>{words.cannotOpen(props.image.name)}</h3>
        {opened.error instanceof MetadataError ? (
          <Message tone="bad" title={words.cannotOpenWhy} action={again}>
            {opened.error.message}
          </Message>
        ) : (
          <ErrorMessage error={opened.error} action={again} />
        )}
      </div>
    );
  }
  if (opened.state === "opening" || !isReady) {
    return (
      <div className="viewer-message" role="status">
        {words.opening}
      </div>
    );
  }
  const Body = hasWebGL2() ? OpenViewer : Fallback;
  return <Body key={props.image.zarr} {...props} source={opened.source} />;
}
