import { text } from "../../app/strings";
import type { Moment } from "../../screens/audit/useHistory";
import { AxisX, AxisY } from "./Axis";
import { linear } from "./scale";

interface Props {
  history: Moment[];
  tolerance: number | null;
  label: string;
}

const SIZE = { width: 460, height: 190, left: 52, right: 12, top: 8, bottom: 40 };

/** Half-width of the widest interval, as a share of the answer, over the annotated tiles. */
export function NarrowingPlot({ history, tolerance, label }: Props) {
  const points = history.map(({ n, groups }) => ({ n, half: Math.max(...groups.map(halfWidth)) * 100 }));
  const { width, height, left, right, top, bottom } = SIZE;
  const last = points.at(-1);
  const first = points[0];
  if (!last || !first) return null;
  const highest = Math.max(...points.map(({ half }) => half).filter(Number.isFinite), (tolerance ?? 0) * 100);
  const x = linear([first.n, last.n], [left, width - right]);
  const y = linear([0, highest * 1.08], [height - bottom, top]);
  const line = points.map(({ n, half }) => `${x(n)},${y(half)}`).join(" ");
  return (
    <svg className="plot" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <AxisX scale={x} at={height - bottom} to={top} label={text.plots.tilesDone} />
      <AxisY scale={y} at={left} to={width - right} label={text.plots.halfWidth} count={4} />
      {tolerance !== null && (
        <g>
          <line
            x1={left}
            x2={width - right}
            y1={y(tolerance * 100)}
            y2={y(tolerance * 100)}
            className="goal"
          />
          <text x={width - right} y={y(tolerance * 100) - 5} textAnchor="end" className="goal-label">
            {text.plots.tolerance}
          </text>
        </g>
      )}
      <polyline points={line} className="corrected line" />
      {points.map(({ n, half }) => (
        <circle key={n} cx={x(n)} cy={y(half)} r="3.5" className="corrected dot" />
      ))}
    </svg>
  );
}

function halfWidth({ estimate, low, high }: Moment["groups"][number]): number {
  return estimate === 0 ? 0 : (high - low) / 2 / Math.abs(estimate);
}
