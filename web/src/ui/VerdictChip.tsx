import { text } from "../app/strings";
import { Icon, type IconName } from "./Icon";

const LOOK: Record<string, { tone: string; icon: IconName }> = {
  use: { tone: "good", icon: "check" },
  "use-with-correction": { tone: "good", icon: "check" },
  "fine-tune-first": { tone: "warn", icon: "warn" },
  "do-not-use": { tone: "bad", icon: "cross" },
  "cannot-tell": { tone: "warn", icon: "question" },
};

/** What the evidence allows, in words, with a sign and a colour. */
export function VerdictChip({ verdict, stale }: { verdict: string; stale?: boolean }) {
  const { tone, icon } = LOOK[verdict] ?? { tone: "", icon: "question" as const };
  return (
    <span className={`chip ${tone}`}>
      <Icon name={icon} size={11} />
      {text.verdicts[verdict] ?? verdict}
      {stale && ` (${text.stale})`}
    </span>
  );
}
