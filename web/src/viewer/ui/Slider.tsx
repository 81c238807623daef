import { useId } from "react";

interface Props {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly text?: string;
  readonly onChange: (value: number) => void;
}

/** A slider with its value as a number field beside it, or as words. */
export function Slider({ label, value, min, max, step, text, onChange }: Props) {
  const id = useId();
  return (
    <div className="viewer-slider">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      {text === undefined ? (
        <input
          type="number"
          aria-label={label}
          step={step}
          value={Number(value.toPrecision(6))}
          onChange={(event) => {
            if (Number.isFinite(event.target.valueAsNumber)) onChange(event.target.valueAsNumber);
          }}
        />
      ) : (
        <output htmlFor={id}>{text}</output>
      )}
    </div>
  );
}
