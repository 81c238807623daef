/** A number with its interval and how far it can be trusted; without an interval it says so. */
import type { Evidence } from "../api/types";
import { text } from "../app/strings";
import { interval, percent } from "./format";
import { TrustChip } from "./TrustChip";

interface Props {
  value: number | null | undefined;
  low?: number | null;
  high?: number | null;
  level?: number | null;
  unit?: string;
  evidence?: Evidence;
  big?: boolean;
  /** What stands there instead of "no interval", where none can exist. */
  without?: string;
}

export function Value({ value, low, high, level, unit, evidence, big, without }: Props) {
  const shown = interval(value, low, high);
  return (
    <span className={`value${big ? " big" : ""}`}>
      <span className="number">
        <strong>{shown.value}</strong>
        {unit && <span className="unit"> {unit}</span>}
      </span>
      <span className="range number">
        {shown.range ?? without ?? text.value.noInterval}
        {shown.range && level ? ` (${percent(level)})` : ""}
      </span>
      {evidence && <TrustChip evidence={evidence} />}
    </span>
  );
}
