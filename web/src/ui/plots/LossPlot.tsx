import { text } from "../../app/strings";
import { AxisX, AxisY } from "./Axis";
import { extent, linear } from "./scale";

interface Point {
  minutes: number;
  loss: number;
}
interface Props {
  losses: Point[];
  checks: Point[];
}

const SIZE = { width: 560, height: 240, left: 58, right: 14, top: 10, bottom: 44 };
const words = text.plots;

/** Losses over time: on the tiles that are learned from, and on those held back to choose by. */
export function LossPlot({ losses, checks }: Props) {
  const { width, height, left, right, top, bottom } = SIZE;
  const all = [...losses, ...checks];
  if (all.length === 0) return null;
  const x = linear([0, Math.max(...all.map(({ minutes }) => minutes), 0.01)], [left, width - right]);
  const y = linear(extent(all.map(({ loss }) => loss)), [height - bottom, top]);
  const line = (points: Point[]) => points.map(({ minutes, loss }) => `${x(minutes)},${y(loss)}`).join(" ");
  const best = checks.reduce<Point | null>(
    (least, point) => (least === null || point.loss < least.loss ? point : least),
    null,
  );
  return (
    <svg className="plot" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={words.losses}>
      <AxisX scale={x} at={height - bottom} to={top} label={words.minutes} />
      <AxisY scale={y} at={left} to={width - right} label={words.loss} count={4} />
      <polyline points={line(losses)} className="learned line" />
      <polyline points={line(checks)} className="corrected line" />
      {checks.map((point) => (
        <circle
          key={point.minutes}
          cx={x(point.minutes)}
          cy={y(point.loss)}
          r={point === best ? 5 : 3}
          className="corrected dot"
        />
      ))}
    </svg>
  );
}
