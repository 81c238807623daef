/** How far a number or picture can be trusted: shape, colour and word say the same. */
import type { Evidence } from "../api/types";
import { text } from "../app/strings";

const LOOK: Record<Evidence, { tone: string; fill: number }> = {
  untested: { tone: "", fill: 0 },
  screened: { tone: "info", fill: 0.5 },
  audited: { tone: "good", fill: 1 },
  "benchmarked elsewhere": { tone: "warn", fill: -1 },
};

export function TrustChip({ evidence }: { evidence: Evidence }) {
  const { tone, fill } = LOOK[evidence];
  return (
    <span className={`chip trust ${tone}`} title={text.trust[evidence]} data-evidence={evidence}>
      <Mark fill={fill} />
      {evidence}
    </span>
  );
}

/** A hollow, half or full disc; a diamond for what was measured on other images. */
function Mark({ fill }: { fill: number }) {
  return (
    <svg width="11" height="11" viewBox="0 0 12 12" aria-hidden="true">
      {fill < 0 ? (
        <path d="M6 1l5 5-5 5-5-5z" fill="none" stroke="currentColor" strokeWidth="1.6" />
      ) : (
        <>
          <circle
            cx="6"
            cy="6"
            r="4.6"
            fill={fill === 1 ? "currentColor" : "none"}
            stroke="currentColor"
            strokeWidth="1.6"
          />
          {fill === 0.5 && <path d="M6 1.4a4.6 4.6 0 0 0 0 9.2z" fill="currentColor" />}
        </>
      )}
    </svg>
  );
}
