import { text } from "../../app/strings";
import { number } from "../format";
import { AxisX, AxisY } from "./Axis";
import { extent, linear } from "./scale";

interface Band {
  value: number | null;
  low: number | null;
  high: number | null;
}
interface Props {
  reference: number[];
  prediction: number[];
  mean: Band;
  lower: Band;
  upper: Band;
  names: string[];
  kind: "scatter" | "difference";
  onPick?: (name: string) => void;
}

const SIZE = { width: 440, height: 340, left: 58, right: 14, top: 10, bottom: 44 };
const words = text.plots;

/** Reference against prediction, tile by tile, or their difference against their mean (Bland and Altman). */
export function AgreementPlot({ reference, prediction, mean, lower, upper, names, kind, onPick }: Props) {
  const points = reference.map((value, at) => {
    const other = prediction[at] ?? value;
    return kind === "scatter" ? { x: value, y: other } : { x: (value + other) / 2, y: other - value };
  });
  const bands = kind === "difference" ? [mean, lower, upper] : [];
  const xs = points.map(({ x }) => x);
  const ys = [...points.map(({ y }) => y), ...bands.flatMap(({ value, low, high }) => [value, low, high]), 0];
  const shared = extent([...xs, ...points.map(({ y }) => y)]);
  const { width, height, left, right, top, bottom } = SIZE;
  const x = linear(kind === "scatter" ? shared : extent(xs), [left, width - right]);
  const y = linear(kind === "scatter" ? shared : extent(ys), [height - bottom, top]);
  return (
    <svg className="plot" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={words[kind]}>
      <AxisX
        scale={x}
        at={height - bottom}
        to={top}
        label={kind === "scatter" ? words.reference : words.mean}
      />
      <AxisY
        scale={y}
        at={left}
        to={width - right}
        label={kind === "scatter" ? words.prediction : words.minus}
      />
      {kind === "scatter" ? (
        <line x1={x(shared[0])} y1={y(shared[0])} x2={x(shared[1])} y2={y(shared[1])} className="nothing" />
      ) : (
        <line x1={left} x2={width - right} y1={y(0)} y2={y(0)} className="nothing" />
      )}
      {bands.map((band, at) => (
        <g key={["mean", "lower", "upper"][at]} className={at === 0 ? "band mean" : "band"}>
          {band.low !== null && band.high !== null && (
            <rect
              x={left}
              width={width - right - left}
              y={y(band.high)}
              height={Math.max(1, y(band.low) - y(band.high))}
            />
          )}
          {band.value !== null && <line x1={left} x2={width - right} y1={y(band.value)} y2={y(band.value)} />}
        </g>
      ))}
      {points.map((point, at) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: the same tiles are links in the list of tiles
        <circle
          key={names[at] ?? at}
          cx={x(point.x)}
          cy={y(point.y)}
          r="4.5"
          className="point"
          onClick={() => onPick?.(names[at] ?? "")}
        >
          <title>{words.tile(names[at] ?? "", number(reference[at]), number(prediction[at]))}</title>
        </circle>
      ))}
    </svg>
  );
}
