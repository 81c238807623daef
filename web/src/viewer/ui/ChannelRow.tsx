import type { ChannelDisplay } from "../display/channels";
import { CHANNEL_COLORS, COLORMAPS, isColormap } from "../display/colormaps";
import { words } from "../strings";
import { gradient } from "./gradient";
import { Slider } from "./Slider";

interface Props {
  readonly channel: ChannelDisplay;
  readonly range: { min: number; max: number } | undefined;
  readonly isInteger: boolean;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
  readonly onToggle: () => void;
  readonly onAdjust: (change: Partial<Pick<ChannelDisplay, "low" | "high" | "gamma" | "color">>) => void;
  readonly onAuto: () => void;
}

/** One channel: eye, name, colour; opened, also its limits and gamma. */
export function ChannelRow(props: Props) {
  const { channel, isOpen, onOpen, onToggle } = props;
  return (
    <div className={`viewer-channel${channel.visible ? "" : " off"}`}>
      <div className="line">
        <input
          type="checkbox"
          aria-label={words.showChannel(channel.name)}
          checked={channel.visible}
          onChange={onToggle}
        />
        <button type="button" className="name" aria-expanded={isOpen} onClick={onOpen} title={channel.name}>
          <span className="text">{channel.name}</span>
          <span className="swatch" style={{ background: gradient(channel.color) }} />
        </button>
      </div>
      {isOpen && <Details {...props} />}
    </div>
  );
}

function Details({ channel, range, isInteger, onAdjust, onAuto }: Props) {
  const { min, max } = range ?? { min: channel.low, max: channel.high };
  const [from, to] = [Math.min(min, channel.low), Math.max(max, channel.high)];
  const step = isInteger ? 1 : (to - from) / 1000 || 1e-6;
  return (
    <div className="details">
      <Slider
        label={words.low}
        value={channel.low}
        min={from}
        max={to}
        step={step}
        onChange={(low) => onAdjust({ low: Math.min(low, channel.high - step) })}
      />
      <Slider
        label={words.high}
        value={channel.high}
        min={from}
        max={to}
        step={step}
        onChange={(high) => onAdjust({ high: Math.max(high, channel.low + step) })}
      />
      <Slider
        label={words.gamma}
        value={channel.gamma}
        min={0.2}
        max={3}
        step={0.05}
        onChange={(gamma) => onAdjust({ gamma })}
      />
      <div className="line">
        <button type="button" className="button small" title={words.autoHint} onClick={onAuto}>
          {words.auto}
        </button>
        <button
          type="button"
          className="button small"
          onClick={() => onAdjust({ low: min, high: max, gamma: 1 })}
        >
          {words.reset}
        </button>
        <select
          className="input small"
          aria-label={words.colorOf(channel.name)}
          value={isColormap(channel.color) ? channel.color : channel.color.toLowerCase()}
          onChange={(event) => onAdjust({ color: event.target.value })}
        >
          {COLORMAPS.map((name) => (
            <option key={name}>{name}</option>
          ))}
          {colors(channel.color).map((color) => (
            <option key={color} value={color}>
              {color}
            </option>
          ))}
        </select>
        {!isColormap(channel.color) && (
          <input
            type="color"
            aria-label={words.colorOf(channel.name)}
            value={channel.color}
            onChange={(event) => onAdjust({ color: event.target.value })}
          />
        )}
      </div>
    </div>
  );
}

function colors(current: string): string[] {
  const fixed: string[] = [...CHANNEL_COLORS];
  return isColormap(current) || fixed.includes(current) ? fixed : [...fixed, current];
}
