import { useRef } from "react";
import { AxisX } from "./Axis";
import { extent, linear } from "./scale";
import { useWidth } from "./useWidth";

export interface IntervalRow {
  name: string;
  value: number | null;
  low: number | null;
  high: number | null;
  /** What the method says without the audit, drawn hollow beside it. */
  naive?: number | null;
  text: string;
}

interface Props {
  rows: IntervalRow[];
  label: string;
  axis?: string;
  /** A value that means "no difference". */
  nothing?: number;
  from?: number;
}

const LEFT = 150;
const RIGHT = 24;
const ROW = 46;
/** The naive value stands a little lower, so that neither hides the other. */
const BELOW = 13;

/** One line per group: corrected value with its interval, and the naive value beside it. */
export function IntervalPlot({ rows, label, axis, nothing, from }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const values = rows.flatMap(({ value, low, high, naive }) => [value, low, high, naive]);
  const bounds = extent([...values, nothing, from]);
  const scale = linear(from === undefined ? bounds : [from, bounds[1]], [LEFT, width - RIGHT]);
  const bottom = rows.length * ROW + 8;
  return (
    <div ref={box}>
      <svg className="plot" width={width} height={bottom + (axis ? 38 : 22)} role="img" aria-label={label}>
        <AxisX scale={scale} at={bottom} to={4} label={axis} />
        {nothing !== undefined && (
          <line x1={scale(nothing)} x2={scale(nothing)} y1={4} y2={bottom} className="nothing" />
        )}
        {rows.map((row, at) => (
          <g key={row.name} transform={`translate(0 ${at * ROW + ROW / 2 + 4})`}>
            <title>{row.text}</title>
            <text x={LEFT - 12} dy="0.32em" textAnchor="end" className="row-name">
              {row.name}
            </text>
            {row.low !== null && row.high !== null && (
              <g className="corrected">
                <line x1={scale(row.low)} x2={scale(row.high)} strokeWidth="3" />
                <line x1={scale(row.low)} x2={scale(row.low)} y1="-6" y2="6" strokeWidth="2" />
                <line x1={scale(row.high)} x2={scale(row.high)} y1="-6" y2="6" strokeWidth="2" />
              </g>
            )}
            {row.value !== null && <circle cx={scale(row.value)} r="6" className="corrected dot" />}
            {typeof row.naive === "number" && (
              <path
                d="M0-7l7 7-7 7-7-7z"
                transform={`translate(${scale(row.naive)} ${BELOW})`}
                className="naive"
              />
            )}
          </g>
        ))}
      </svg>
    </div>
  );
}
