import { useSession } from "../../api/queries";
import type { Audit, Unit } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { Progress } from "../../ui/Progress";

const words = text.audit;

/** Whether a tile counts for the answer; others only train a candidate. */
export function isAudited({ roles }: Unit): boolean {
  return roles.some((role) => role !== "training");
}

/** How many tiles are done, and one button to the next open one. */
export function NextTile({ study, audit, enough }: { study: string; audit: Audit; enough: boolean }) {
  const audited = audit.units.filter(isAudited);
  const mayAnnotate = useSession().data?.role !== "viewer";
  const next =
    audit.units.find(({ state }) => state === "started") ?? audit.units.find(({ state }) => state === "open");
  const draws = audited.reduce((sum, { n_draws }) => sum + n_draws, 0);
  const done = audited.filter(({ state }) => state === "annotated").length;
  return (
    <section className="card">
      <div className="body stack">
        <div className="row">
          <strong>{words.done(done, audited.length)}</strong>
          {enough && (
            <span className="chip good">
              <Icon name="check" size={11} /> {words.enough}
            </span>
          )}
          <span className="spacer" />
          {next && mayAnnotate ? (
            <Link href={studyPath(study, "audit", next.unit)} className={`button${enough ? "" : " primary"}`}>
              <Icon name="pencil" />{" "}
              {next.state === "started" ? words.goOn(next.unit) : words.annotate(next.unit)}
            </Link>
          ) : null}
          {(enough || !next) && (
            <Link href={studyPath(study, "answer")} className="button primary">
              {words.toAnswer} <Icon name="right" size={12} />
            </Link>
          )}
        </div>
        <Progress done={done} total={audited.length} label={words.done(done, audited.length)} />
        {draws > audited.length && <p className="soft small">{words.drawnTwice(draws, audited.length)}</p>}
      </div>
    </section>
  );
}
