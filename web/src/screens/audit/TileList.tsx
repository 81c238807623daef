import { api } from "../../api/client";
import type { Audit, Unit } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { duration } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { Thumb } from "../../ui/Thumb";
import { isAudited } from "./NextTile";

const words = text.audit;
const LOOK = { open: "", started: "info", annotated: "good" } as const;

/** Every drawn tile with its picture and state, in the order in which to annotate. */
export function TileList({ study, audit }: { study: string; audit: Audit }) {
  return (
    <ul className="tile-grid">
      {audit.units.map((unit) => (
        <li key={unit.unit}>
          <Link href={studyPath(study, "audit", unit.unit)}>
            <Thumb src={api("studies", study, "audit", "units", unit.unit, "crop")} lazy />
            <span className="image-name">{unit.unit}</span>
            <span className="faint small">
              {unit.group}
              {unit.n_draws > 1 && ` · ${words.draws(unit.n_draws)}`}
            </span>
            <TileState unit={unit} />
          </Link>
        </li>
      ))}
    </ul>
  );
}

function TileState({ unit }: { unit: Unit }) {
  const by = unit.annotators[0];
  return (
    <span className="row flags">
      {!isAudited(unit) && <span className="chip">{words.training}</span>}
      <span className={`chip ${LOOK[unit.state]}`}>
        {unit.state === "annotated" && <Icon name="check" size={11} />} {words.states[unit.state]}
      </span>
      {by && (
        <span className="faint small number">
          {text.count.objects(by.n_objects)}
          {by.seconds !== null && ` · ${duration(by.seconds)}`}
        </span>
      )}
    </span>
  );
}
