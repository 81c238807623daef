import { useEffect, useState } from "react";
import { Icon } from "../../ui/Icon";
import { words } from "../strings";

interface Props {
  readonly label: string;
  readonly value: number;
  readonly count: number;
  readonly disabled?: boolean;
  readonly onChange: (value: number) => void;
}

const PER_SECOND = 6;

/** A slider through planes or times, with play; both are numbered from 0, as in names and on the command line. */
export function AxisSlider({ label, value, count, disabled = false, onChange }: Props) {
  const [plays, setPlays] = useState(false);
  useEffect(() => {
    if (!plays || disabled) return;
    const timer = setTimeout(() => onChange((value + 1) % count), 1000 / PER_SECOND);
    return () => clearTimeout(timer);
  }, [plays, disabled, value, count, onChange]);
  return (
    <div className="viewer-axis">
      <button
        type="button"
        className="button small plain"
        aria-label={plays ? words.pause(label) : words.play(label)}
        aria-pressed={plays}
        disabled={disabled}
        onClick={() => setPlays(!plays)}
      >
        <Icon name={plays ? "stop" : "play"} size={13} />
      </button>
      <label>
        <span>{label}</span>
        <input
          type="range"
          min={0}
          max={count - 1}
          step={1}
          value={value}
          disabled={disabled}
          onChange={(event) => onChange(Number(event.target.value))}
        />
      </label>
      <output>
        {value} / {count - 1}
      </output>
    </div>
  );
}
