/** A message in place: what happened, in which detail, and what to do next. */
import type { ReactNode } from "react";
import { problemOf } from "../api/client";
import type { Problem } from "../api/types";
import { Icon, type IconName } from "./Icon";

export type Tone = "good" | "bad" | "warn" | "info";
const ICONS: Record<Tone, IconName> = { good: "check", bad: "warn", warn: "warn", info: "info" };

interface Props {
  tone?: Tone;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
}

export function Message({ tone = "info", title, children, action }: Props) {
  return (
    <div className={`message ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon name={ICONS[tone]} />
      <div>
        <strong>{title}</strong>
        {children && <div className="detail">{children}</div>}
      </div>
      {action}
    </div>
  );
}

export function ProblemMessage({ problem, action }: { problem: Problem; action?: ReactNode }) {
  return (
    <Message tone="bad" title={problem.title} action={action}>
      {problem.detail}
      {problem.errors?.map(({ place, message }) => (
        <div key={`${place}${message}`}>
          <code>{place}</code>: {message}
        </div>
      ))}
      {problem.action && <div className="what-next">{problem.action}</div>}
    </Message>
  );
}

export function ErrorMessage({ error, action }: { error: unknown; action?: ReactNode }) {
  return <ProblemMessage problem={problemOf(error)} action={action} />;
}
