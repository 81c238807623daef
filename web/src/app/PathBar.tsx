import { useJobs, useSession, useStudy } from "../api/queries";
import { Icon } from "../ui/Icon";
import { Link } from "../ui/Link";
import { nextOf, type PathStep, pathOf } from "./path";
import { type Screen, studyPath } from "./routes";
import { text } from "./strings";

/** The path from left to right with the state of each step, and what to do next. */
export function PathBar({ study: id, screen }: { study: string; screen: Screen }) {
  const study = useStudy(id).data;
  const jobs = useJobs().data ?? [];
  const canTrain = useSession().data?.capabilities.train ?? false;
  if (!study) return <div className="pathbar" />;
  const next = nextOf(study);
  return (
    <div className="pathbar">
      <nav aria-label={text.path.label}>
        <ol>
          {pathOf(study, jobs).map((step, place) => (
            <Step
              key={step.screen}
              step={step}
              place={place + 1}
              study={id}
              current={step.screen === screen}
            />
          ))}
          {canTrain && (
            <li className="apart">
              <Link href={studyPath(id, "train")} aria-current={screen === "train" ? "step" : undefined}>
                <Icon name="spark" />
                <span className="step-label">{text.screens.train}</span>
              </Link>
            </li>
          )}
        </ol>
      </nav>
      <span className="spacer" />
      {next ? (
        next.screen === screen ? (
          <span className="next-here" title={next.why}>
            <Icon name="down" size={13} /> {text.path.nextHere(next.label)}
          </span>
        ) : (
          <Link href={next.href} className="button primary" title={next.why}>
            {text.path.nextIs(next.label)} <Icon name="right" size={13} />
          </Link>
        )
      ) : (
        <span className="chip good">
          <Icon name="check" size={11} /> {text.path.allDone}
        </span>
      )}
    </div>
  );
}

interface StepProps {
  step: PathStep;
  place: number;
  study: string;
  current: boolean;
}

function Step({ step, place, study, current }: StepProps) {
  return (
    <li className={`step ${step.state}`}>
      <Link
        href={studyPath(study, step.screen)}
        aria-current={current ? "step" : undefined}
        title={step.detail}
      >
        <span className="step-mark" aria-hidden="true">
          {step.state === "done" ? (
            <Icon name="check" size={12} />
          ) : step.state === "stale" ? (
            <Icon name="refresh" size={12} />
          ) : (
            place
          )}
        </span>
        <span className="step-text">
          <span className="step-label">
            {step.label}
            <span className="visually-hidden">: {text.path.states[step.state]}.</span>
          </span>
          <span className="step-detail">{step.detail}</span>
        </span>
      </Link>
    </li>
  );
}
