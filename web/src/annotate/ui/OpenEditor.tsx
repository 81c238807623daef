import { useMemo, useState } from "react";
import { useSize } from "../../viewer/state/useSize";
import { AxisSlider } from "../../viewer/ui/AxisSlider";
import type { AnnotationApi, TilePixels } from "../api";
import type { Action } from "../keys/actions";
import { keyMap } from "../keys/presets";
import { cutsOf } from "../model/counting";
import type { Origin } from "../openTile";
import { perform, useKeys } from "../state/useActions";
import { useDisplay } from "../state/useDisplay";
import { useEditor } from "../state/useEditor";
import { usePlanes } from "../state/usePlanes";
import { useProposals } from "../state/useProposals";
import { useSaving } from "../state/useSaving";
import { useSegmenters } from "../state/useSegmenters";
import { useKeeping } from "../state/useSession";
import { words } from "../strings";
import type { TileSession } from "../tileSession";
import type { AnnotationEditorProps } from "../types";
import { CheatSheet } from "./CheatSheet";
import { Footer } from "./Footer";
import { Header } from "./Header";
import { Notices } from "./Notices";
import { ProposalPanel } from "./ProposalPanel";
import { SidePanel } from "./SidePanel";
import { TileCanvas } from "./TileCanvas";
import { ToolBar } from "./ToolBar";

interface Props extends AnnotationEditorProps {
  readonly session: TileSession;
  readonly origin: Origin;
  readonly api: AnnotationApi;
  readonly pixels: TilePixels;
}

/** The editor of a tile that could be opened. */
export function OpenEditor(props: Props) {
  const { unit, session, pixels, api, blind, object = "object" } = props;
  const [frame, screen] = useSize<HTMLDivElement>();
  const [help, setHelp] = useState(false);
  // The same tile comes as a new object whenever the study is asked for again.
  const corners = [...unit.box, ...unit.context].join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the corners say whether the tile is another
  const tile = useMemo(() => tileIn(unit), [corners]);
  const planes = usePlanes(props);
  const display = useDisplay(planes.pixels);
  const editor = useEditor(session, tile, planes.pixels, display.channels, api);
  const segmenters = useSegmenters({ api, editor, blind, onProblem: props.onProblem });
  useKeeping(session);
  const { sums, pixelRevision } = session.document;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the revision says when the labels changed
  const objects = useMemo(
    () => sums.objects(tile, cutsOf(tile, pixels)),
    [sums, tile, pixels, pixelRevision],
  );
  const proposals = useProposals({ session, api, unit, blind, onProblem: props.onProblem });
  const saving = useSaving({
    ...props,
    shown: proposals.shown,
    editor,
    origin: words.restored[props.origin],
  });
  const keys = useMemo(() => keyMap(editor.preferences.preset), [editor.preferences.preset]);
  const outer = { screen, save: saving.save, done: saving.done, help: () => setHelp(true) };
  const onAction = (action: Action) => perform(action, editor, outer);
  useKeys(keys, editor, outer);
  return (
    <div className="tile-editor viewer">
      <Header
        unit={unit}
        annotator={props.annotator}
        place={props.place}
        isUnsaved={session.isUnsaved || !session.hasVersion}
        isEmpty={objects.length === 0}
        said={saving.said}
        onSave={saving.save}
        onDone={props.onNext && saving.done}
        onPrevious={props.onPrevious}
      />
      <ToolBar
        tool={editor.tool}
        keys={keys}
        canUndo={session.document.canUndo}
        canRedo={session.document.canRedo}
        onAction={onAction}
      />
      <div
        ref={frame}
        className="tile-stage"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the picture takes the keys of the tools
        tabIndex={0}
        onPointerDown={(event) => event.currentTarget.focus({ preventScroll: true })}
      >
        <TileCanvas
          editor={editor}
          unit={unit.unit}
          pixels={planes.pixels}
          channels={display.channels}
          objects={objects}
          screen={screen}
        />
        <Notices
          editor={editor}
          toDecide={saving.toDecide}
          onAcceptAndSave={saving.acceptAndSave}
          onGoBack={saving.goBack}
          onSaveOver={saving.saveOver}
        />
      </div>
      <aside className="viewer-panel">
        <ProposalPanel
          editor={editor}
          proposals={unit.proposals}
          shown={proposals.shown}
          asking={proposals.asking}
          blind={blind}
          onBlind={props.onBlind}
          onShow={proposals.show}
          onAction={onAction}
        />
        <SidePanel
          editor={editor}
          segmenters={segmenters}
          object={object}
          objects={objects}
          pixels={planes.pixels}
          {...display}
        />
      </aside>
      {planes.count > 1 && (
        <div className="tile-planes">
          <AxisSlider label={words.plane} value={planes.z} count={planes.count} onChange={planes.setZ} />
        </div>
      )}
      <Footer editor={editor} count={objects.length} spacing={unit.spacing?.x ?? null} />
      {help && (
        <CheatSheet
          preset={editor.preferences.preset}
          onPreset={(preset) => editor.setPreferences({ ...editor.preferences, preset })}
          onClose={() => setHelp(false)}
        />
      )}
    </div>
  );
}

/** The tile within its surroundings. */
function tileIn({ box, context }: AnnotationEditorProps["unit"]) {
  const [y0, x0, y1, x1] = box;
  const [top, left] = context;
  return { x0: x0 - left, y0: y0 - top, x1: x1 - left, y1: y1 - top };
}
