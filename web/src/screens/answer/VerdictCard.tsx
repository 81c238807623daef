import type { Reason, Verdict } from "../../api/types";
import { type Screen, studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { number } from "../../ui/format";
import { Icon, type IconName } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { TrustChip } from "../../ui/TrustChip";
import { VerdictChip } from "../../ui/VerdictChip";

const words = text.answer;
const LOOK: Record<Reason["status"], { tone: string; icon: IconName }> = {
  holds: { tone: "good", icon: "check" },
  fails: { tone: "bad", icon: "cross" },
  "cannot-tell": { tone: "warn", icon: "question" },
};

/** Where to go when the evidence does not suffice, or speaks against the method. */
const REMEDIES: Record<string, { screen: Screen; label: string }> = {
  "cannot-tell": { screen: "audit", label: words.moreTiles },
  "fine-tune-first": { screen: "candidates", label: words.askCandidates },
  "do-not-use": { screen: "candidates", label: words.askCandidates },
};

/** What the evidence allows; a click on a check shows its figures and where to see them. */
export function VerdictCard({ study, verdict }: { study: string; verdict: Verdict }) {
  const remedy = REMEDIES[verdict.verdict];
  return (
    <section className="card verdict" aria-label={words.verdict}>
      <div className="body stack">
        <div className="row">
          <VerdictChip verdict={verdict.verdict} />
          <TrustChip evidence={verdict.evidence} />
          {verdict.method && <span className="soft small">{words.about(verdict.method)}</span>}
        </div>
        <div className="row">
          <p className="verdict-text">{verdict.text}</p>
          {remedy && (
            <Link href={studyPath(study, remedy.screen)} className="button primary">
              {remedy.label} <Icon name="right" size={12} />
            </Link>
          )}
        </div>
        <div className="reasons">
          {verdict.reasons.map((reason) => (
            <ReasonLine
              key={reason.check ?? reason.key ?? reason.text}
              reason={reason}
              evidence={verdict.evidence}
            />
          ))}
        </div>
      </div>
    </section>
  );
}

function ReasonLine({ reason, evidence }: { reason: Reason; evidence: Verdict["evidence"] }) {
  const { tone, icon } = LOOK[reason.status];
  const check = reason.check ?? reason.key ?? "";
  const target = WHERE[check];
  return (
    <details className="reason">
      <summary>
        <span className={`chip ${tone}`}>
          <Icon name={icon} size={11} /> {words.status[reason.status]}
        </span>
        {words.checks[check] ?? check}
      </summary>
      <div className="stack">
        <p>{reason.text}</p>
        {typeof reason.value === "number" && (
          <p className="soft small number">
            {words.figure(
              number(reason.value),
              typeof reason.threshold === "number" ? number(reason.threshold) : null,
            )}{" "}
            <TrustChip evidence={evidence} />
          </p>
        )}
        {target && <a href={`#${target}`}>{words.show}</a>}
      </div>
    </details>
  );
}

/** Part of the screen that shows what a check compared. */
const WHERE: Record<string, string> = {
  "audit-size": "estimate",
  independence: "tiles",
  matching: "tiles",
  "model-bias": "estimate",
  "differential-bias": "estimate",
  precision: "estimate",
  gain: "estimate",
};
