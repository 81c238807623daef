import { number } from "../format";
import { type Scale, ticks } from "./scale";

interface Props {
  scale: Scale;
  /** Place of the axis across its direction, in pixels. */
  at: number;
  /** How far grid lines go, in pixels. */
  to: number;
  label?: string;
  count?: number;
}

/** A horizontal axis with grid lines up to `to`. */
export function AxisX({ scale, at, to, label, count = 5 }: Props) {
  const [low, high] = scale.domain;
  return (
    <g className="axis">
      {ticks(scale.domain, count).map((tick) => (
        <g key={tick} transform={`translate(${scale(tick)} 0)`}>
          <line y1={at} y2={to} className="grid" />
          <text y={at + 15} textAnchor="middle">
            {number(tick)}
          </text>
        </g>
      ))}
      {label && (
        <text x={(scale(low) + scale(high)) / 2} y={at + 31} textAnchor="middle" className="axis-label">
          {label}
        </text>
      )}
    </g>
  );
}

/** A vertical axis with grid lines up to `to`. */
export function AxisY({ scale, at, to, label, count = 5 }: Props) {
  const [low, high] = scale.domain;
  return (
    <g className="axis">
      {ticks(scale.domain, count).map((tick) => (
        <g key={tick} transform={`translate(0 ${scale(tick)})`}>
          <line x1={at} x2={to} className="grid" />
          <text x={at - 7} dy="0.32em" textAnchor="end">
            {number(tick)}
          </text>
        </g>
      ))}
      {label && (
        <text
          transform={`translate(12 ${(scale(low) + scale(high)) / 2}) rotate(-90)`}
          textAnchor="middle"
          className="axis-label"
        >
          {label}
        </text>
      )}
    </g>
  );
}
