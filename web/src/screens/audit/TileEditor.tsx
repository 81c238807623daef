import { lazy, Suspense } from "react";
import { api } from "../../api/client";
import { keys } from "../../api/keys";
import { queryClient, useAudit, useLiveEstimate, useSession, useUnit } from "../../api/queries";
import type { StudyDetail, UnitDetail } from "../../api/types";
import { navigate, studyPath } from "../../app/routes";
import { useApp } from "../../app/store";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { Message } from "../../ui/Message";
import { TrustChip } from "../../ui/TrustChip";
import { LiveStrip } from "./LiveStrip";

const AnnotationEditor = lazy(() =>
  import("../../annotate").then((module) => ({ default: module.AnnotationEditor })),
);
const words = text.audit;

/** One drawn tile in the annotation editor, and what all tiles together say by now. */
export default function TileEditor({ study, unit }: { study: StudyDetail; unit: string }) {
  const tile = useUnit(study.id, unit);
  return <Loaded query={tile}>{(known) => <Editor study={study} tile={known} />}</Loaded>;
}

function Editor({ study, tile }: { study: StudyDetail; tile: UnitDetail }) {
  const session = useSession().data;
  const { annotator, blind, setBlind, notifyProblem } = useApp();
  const units = useAudit(study.id).data?.units ?? [];
  const estimate = useLiveEstimate(
    study.id,
    units.some(({ state }) => state === "annotated"),
  ).data;
  const place = units.findIndex(({ unit }) => unit === tile.unit) + 1;
  const go = (unit: string | null) => navigate(studyPath(study.id, "audit", unit));
  const saved = () => {
    void queryClient.invalidateQueries({ queryKey: keys.of(study.id, "audit") });
    void queryClient.invalidateQueries({ queryKey: keys.study(study.id), exact: true });
  };
  return (
    <div className="view-page">
      <div className="view-head">
        <Link href={studyPath(study.id, "audit")} className="button small">
          <Icon name="left" size={12} /> {words.allTiles}
        </Link>
        <h1>{tile.unit}</h1>
        <span className="soft">{tile.group}</span>
        <span className="spacer" />
        {estimate && (
          <>
            <LiveStrip estimate={estimate} />
            <TrustChip evidence={estimate.evidence} />
          </>
        )}
      </div>
      {session?.role === "viewer" ? (
        <Look study={study.id} tile={tile} />
      ) : (
        <Suspense fallback={<div className="skeleton" />}>
          <AnnotationEditor
            key={tile.unit}
            study={study.id}
            unit={unitOf(tile)}
            annotator={session?.mode === "accounts" ? (session.user ?? annotator) : annotator}
            object={study.question_form?.object}
            blind={blind}
            onBlind={setBlind}
            onSaved={saved}
            onNext={() => go(tile.next)}
            onPrevious={tile.previous ? () => go(tile.previous) : undefined}
            onProblem={notifyProblem}
            place={place > 0 ? words.place(place, units.length) : undefined}
          />
        </Suspense>
      )}
    </div>
  );
}

/** The tile for who may look but not annotate. */
function Look({ study, tile }: { study: string; tile: UnitDetail }) {
  return (
    <div className="page">
      <Message title={words.mayLook}>{words.mayLookDetail}</Message>
      <img
        className="tile-picture"
        src={api("studies", study, "audit", "units", tile.unit, "crop")}
        alt={tile.unit}
      />
    </div>
  );
}

/** The tile as the editor wants it. */
function unitOf(tile: UnitDetail) {
  const { spacing, axes, shape } = tile.image;
  const y = spacing?.y;
  const x = spacing?.x;
  return {
    unit: tile.unit,
    imageName: tile.image_id,
    group: tile.group,
    box: tile.box,
    context: tile.context,
    spacing: y !== undefined && x !== undefined ? { y, x } : null,
    proposals: tile.proposals,
    nPlanes: axes.includes("z") ? (shape[axes.indexOf("z")] ?? 1) : 1,
  };
}
