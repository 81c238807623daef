import { useAudit, useLiveEstimate } from "../../api/queries";
import type { Audit, StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { Loaded } from "../../ui/Loaded";
import { AgreementCard } from "./AgreementCard";
import { DrawPanel } from "./DrawPanel";
import { LiveEstimateCard } from "./LiveEstimateCard";
import { NextTile } from "./NextTile";
import { TileList } from "./TileList";

const words = text.audit;

/** The random sample that a person annotates: how far it is, what it says already, when it is enough. */
export default function AuditScreen({ study }: { study: StudyDetail }) {
  const audit = useAudit(study.id);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{words.title}</h1>
        <p>{words.lead}</p>
      </div>
      <Loaded query={audit} lines={2}>
        {(known) =>
          known.drawn ? <Drawn study={study} audit={known} /> : <DrawPanel study={study} audit={known} />
        }
      </Loaded>
    </div>
  );
}

function Drawn({ study, audit }: { study: StudyDetail; audit: Audit }) {
  const annotators = new Set(
    audit.units.flatMap((unit) => unit.annotators.map(({ annotator }) => annotator)),
  );
  const annotated = audit.units.filter(({ state }) => state === "annotated").length;
  const estimate = useLiveEstimate(study.id, annotated > 0);
  return (
    <>
      <NextTile study={study.id} audit={audit} enough={estimate.data?.enough ?? false} />
      <div className="audit-columns">
        <TileList study={study.id} audit={audit} />
        <div className="stack wide">
          {estimate.data && <LiveEstimateCard study={study} estimate={estimate.data} annotated={annotated} />}
          <DrawPanel study={study} audit={audit} extra={estimate.data?.extra_tiles_needed ?? null} />
          {annotators.size > 1 && <AgreementCard study={study.id} />}
        </div>
      </div>
    </>
  );
}
