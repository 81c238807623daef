import { useRef, useState } from "react";
import { number } from "../format";
import { AxisX } from "./Axis";
import { linear } from "./scale";

interface Props {
  edges: number[];
  series: { group: string; counts: number[] }[];
  label: string;
  /** Called with the span that was marked, or null when it is cleared. */
  onSpan?: (span: [number, number] | null) => void;
  span?: [number, number] | null;
}

const SIZE = { width: 420, height: 150, left: 10, right: 10, top: 8, bottom: 38 };

/** Counts per bin, groups stacked; dragging across it marks a span. */
export function Histogram({ edges, series, label, onSpan, span = null }: Props) {
  const element = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const first = edges[0] ?? 0;
  const last = edges.at(-1) ?? 1;
  const { width, height, left, right, top, bottom } = SIZE;
  const x = linear([first, last], [left, width - right]);
  const totals = edges
    .slice(1)
    .map((_, bin) => series.reduce((sum, { counts }) => sum + (counts[bin] ?? 0), 0));
  const y = linear([0, Math.max(1, ...totals)], [height - bottom, top]);

  const valueAt = (event: { clientX: number }): number => {
    const box = element.current?.getBoundingClientRect();
    if (!box) return first;
    const pixel = ((event.clientX - box.left) / box.width) * width;
    const share = Math.min(1, Math.max(0, (pixel - left) / (width - right - left)));
    return first + share * (last - first);
  };
  const finish = () => {
    if (!drag) return;
    const [low, high] = [Math.min(...drag), Math.max(...drag)];
    onSpan?.(high - low > (last - first) / 200 ? [low, high] : null);
    setDrag(null);
  };
  const shown = drag ?? span;

  return (
    <svg
      ref={element}
      className="plot histogram"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      onPointerDown={(event) => {
        if (!onSpan) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const value = valueAt(event);
        setDrag([value, value]);
      }}
      onPointerMove={(event) => drag && setDrag([drag[0], valueAt(event)])}
      onPointerUp={finish}
    >
      <AxisX scale={x} at={height - bottom} to={top} label={label} />
      {totals.map((_, bin) => {
        let below = 0;
        return series.map(({ group, counts }, place) => {
          const count = counts[bin] ?? 0;
          const from = below;
          below += count;
          const low = x(edges[bin] ?? 0);
          return (
            <rect
              key={`${edges[bin]}/${group}`}
              className={`group-${place % 6}`}
              x={low + 0.5}
              width={Math.max(0.5, x(edges[bin + 1] ?? 0) - low - 1)}
              y={y(below)}
              height={y(from) - y(below)}
            >
              <title>{`${group}: ${number(count)}`}</title>
            </rect>
          );
        });
      })}
      {shown && (
        <rect
          className="span"
          x={x(Math.min(...shown))}
          width={Math.abs(x(shown[1]) - x(shown[0]))}
          y={top}
          height={height - bottom - top}
        />
      )}
    </svg>
  );
}
