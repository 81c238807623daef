import { text } from "../../app/strings";
import { number } from "../format";
import { AxisX, AxisY } from "./Axis";
import { linear } from "./scale";

export interface Bin {
  stated: number;
  n: number;
  observed: { value: number | null; low: number | null; high: number | null };
}

const SIZE = { width: 440, height: 340, left: 58, right: 14, top: 10, bottom: 44 };
const words = text.plots;

/** The share of objects that were right against the probability that was stated, with intervals. */
export function ReliabilityPlot({ bins }: { bins: Bin[] }) {
  const { width, height, left, right, top, bottom } = SIZE;
  const x = linear([0, 1], [left, width - right]);
  const y = linear([0, 1], [height - bottom, top]);
  const most = Math.max(1, ...bins.map(({ n }) => n));
  return (
    <svg className="plot" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={words.reliability}>
      <AxisX scale={x} at={height - bottom} to={top} label={words.stated} />
      <AxisY scale={y} at={left} to={width - right} label={words.right} />
      <line x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} className="nothing" />
      {bins.map(({ stated, n, observed }) =>
        observed.value === null ? null : (
          <g key={stated}>
            {observed.low !== null && observed.high !== null && (
              <line
                x1={x(stated)}
                x2={x(stated)}
                y1={y(observed.low)}
                y2={y(observed.high)}
                className="corrected line"
              />
            )}
            <circle
              cx={x(stated)}
              cy={y(observed.value)}
              r={3 + 4 * Math.sqrt(n / most)}
              className="corrected dot"
            >
              <title>{words.bin(n, number(stated, 2), number(observed.value, 2))}</title>
            </circle>
          </g>
        ),
      )}
    </svg>
  );
}
