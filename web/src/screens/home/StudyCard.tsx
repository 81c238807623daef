import type { StudySummary } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { moment } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { Thumb } from "../../ui/Thumb";
import { TrustChip } from "../../ui/TrustChip";
import { VerdictChip } from "../../ui/VerdictChip";

/** A study: its first image, its question, what the evidence allows so far, and what comes next. */
export function StudyCard({ study }: { study: StudySummary }) {
  const groups = study.groups.map(({ group }) => group).filter(Boolean);
  if (study.problem)
    return (
      <article className="study-card broken">
        <div className="study-text">
          <h2>{study.name}</h2>
          <p className="soft">{study.problem.detail || study.problem.title}</p>
          <p>{study.problem.action}</p>
        </div>
      </article>
    );
  return (
    <article className="study-card">
      <Link href={studyPath(study.id)}>
        <Thumb src={study.thumbnail} />
        <div className="study-text">
          <h2>{study.name}</h2>
          <p className="soft">{study.question}</p>
          <p className="faint small">
            {text.count.images(study.n_images)} ·{" "}
            {groups.length > 1 ? text.home.groups(groups) : text.home.noGroups} · {moment(study.modified)}
          </p>
          <div className="row">
            {study.verdict ? (
              <>
                <VerdictChip verdict={study.verdict.verdict} stale={study.verdict.stale} />
                <TrustChip evidence={study.verdict.evidence} />
              </>
            ) : (
              <span className="chip">{text.home.noVerdict}</span>
            )}
          </div>
          {study.next && study.next.step !== "done" && (
            <p className="next small">
              <Icon name="right" size={12} /> {text.path.nextIs(text.path.next[study.next.step])}
            </p>
          )}
        </div>
      </Link>
    </article>
  );
}
