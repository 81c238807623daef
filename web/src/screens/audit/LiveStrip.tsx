import type { LiveEstimate } from "../../api/types";
import { text } from "../../app/strings";
import { interval } from "../../ui/format";
import { Icon } from "../../ui/Icon";

const words = text.audit;
const MOST_GROUPS = 3;

/** The estimate so far in one line, for the head of the editor. */
export function LiveStrip({ estimate }: { estimate: LiveEstimate }) {
  const known = estimate.groups.filter(({ status }) => status === "ok").slice(0, MOST_GROUPS);
  return (
    <span className="live-strip" aria-live="polite">
      {estimate.enough ? (
        <span className="chip good" title={estimate.text}>
          <Icon name="check" size={11} /> {words.enough}
        </span>
      ) : null}
      {known.map(({ group, estimate: value, low, high }) => {
        const shown = interval(value, low, high);
        return (
          <span key={group} className="number small">
            <span className="soft">{group}</span> <strong>{shown.value}</strong>{" "}
            <span className="soft">({shown.range ?? text.value.noInterval})</span>
          </span>
        );
      })}
      {known.length === 0 && <span className="soft small">{estimate.text}</span>}
    </span>
  );
}
