import { useState } from "react";
import { ErrorMessage, Message } from "../../ui/Message";
import type { TileSource } from "../data/source";
import type { Pane } from "../render/views";
import { useSize } from "../state/useSize";
import { useViewerState } from "../state/useViewerState";
import { hasObjects } from "../state/viewerState";
import { words } from "../strings";
import type { ViewerProps } from "../types";
import { AxisSliders } from "./AxisSliders";
import { Panel } from "./Panel";
import { PaneOverlays } from "./PaneOverlays";
import { RenderedPicture } from "./RenderedPicture";
import { useDrag } from "./useDrag";
import { useViewKeys } from "./useViewKeys";

/** The viewer without a graphics card: pictures come from the server, or are made on the processor. */
export function Fallback(props: ViewerProps & { source: TileSource }) {
  const { image, source, labels } = props;
  const [frame, size] = useSize<HTMLDivElement>();
  const [error, setError] = useState<unknown>(null);
  const { state, setState, ranges, stretch } = useViewerState(props, size, setError);
  const isHere = hasObjects(image.at, state);
  const onKey = useViewKeys(state, setState, source.pyramid, size);
  const pane: Pane = { x: 0, width: size.width, offset: 0 };
  const drag = useDrag(state, setState, source.pyramid, size);
  return (
    <div className="viewer">
      <div className="viewer-main">
        <Message tone="warn" title={words.noWebgl}>
          {words.noWebglDetail}
        </Message>
        <div
          ref={frame}
          className="viewer-stage"
          role="application"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the picture is moved with the arrow keys
          tabIndex={0}
          aria-label={words.viewer(image.name)}
          onKeyDown={onKey}
          {...drag}
        >
          <RenderedPicture {...props} labels={isHere ? labels : []} state={state} size={size} />
          <PaneOverlays
            image={image}
            labels={labels}
            source={source}
            state={{ ...state, arrangement: "single" }}
            panes={[pane]}
            onState={() => {}}
          />
        </div>
        <AxisSliders source={source} state={state} setState={setState} note={isHere ? "" : words.elsewhere} />
        {error !== null && <ErrorMessage error={error} />}
      </div>
      <Panel
        source={source}
        labels={labels}
        state={state}
        ranges={ranges}
        columns={{ colors: new Map(), unit: "" }}
        onState={(next) => setState(() => next)}
        onAuto={stretch}
      />
    </div>
  );
}
