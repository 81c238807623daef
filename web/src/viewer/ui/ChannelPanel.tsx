import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import { adjust, type ChannelDisplay, MOST_SHOWN, toggle } from "../display/channels";
import { words } from "../strings";
import { ChannelRow } from "./ChannelRow";

interface Props {
  readonly channels: readonly ChannelDisplay[];
  readonly locked: boolean;
  /** Smallest and largest value that the sliders reach, by channel. */
  readonly ranges: ReadonlyMap<number, { min: number; max: number }>;
  readonly isInteger: boolean;
  readonly onChannels: (channels: readonly ChannelDisplay[]) => void;
  readonly onLock: (locked: boolean) => void;
  readonly onAuto: (index: number) => void;
}

const ROW = 34;
const OPEN_ROW = 158;

/** The list of channels; with many only the rows in view exist. */
export function ChannelPanel(props: Props) {
  const { channels, locked, ranges, isInteger, onChannels, onLock, onAuto } = props;
  const [filter, setFilter] = useState("");
  const [open, setOpen] = useState<number | null>(channels.length === 1 ? 0 : null);
  const [refused, setRefused] = useState(false);
  const scroller = useRef<HTMLDivElement>(null);
  const matching = channels.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()));
  const rows = useVirtualizer({
    count: matching.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) => (matching[i]?.index === open ? OPEN_ROW : ROW),
    getItemKey: (i) => `${matching[i]?.index}${matching[i]?.index === open}`,
    initialRect: { width: 260, height: 400 },
    overscan: 4,
  });
  const switchChannel = (index: number) => {
    const next = toggle(channels, index);
    setRefused(next.refused);
    onChannels(next.channels);
  };
  return (
    <section className="viewer-section" aria-label={words.channels}>
      <header>
        <h3>{words.channels}</h3>
        <span className="faint">
          {words.channelsNote(channels.filter(({ visible }) => visible).length, channels.length)}
        </span>
      </header>
      {channels.length > 12 && (
        <input
          className="input small"
          type="search"
          placeholder={words.channelFilter}
          aria-label={words.channelFilter}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      {refused && (
        <p className="viewer-warning" role="status">
          {words.channelsMost(MOST_SHOWN)}
        </p>
      )}
      <div ref={scroller} className="viewer-channels">
        <div style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((item) => {
            const channel = matching[item.index] as ChannelDisplay;
            return (
              <div
                key={item.key}
                className="viewer-slot"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <ChannelRow
                  channel={channel}
                  range={ranges.get(channel.index)}
                  isInteger={isInteger}
                  isOpen={open === channel.index}
                  onOpen={() => setOpen(open === channel.index ? null : channel.index)}
                  onToggle={() => switchChannel(channel.index)}
                  onAdjust={(change) => onChannels(adjust(channels, channel.index, change, locked))}
                  onAuto={() => onAuto(channel.index)}
                />
              </div>
            );
          })}
        </div>
      </div>
      {channels.length > 1 && (
        <label className="viewer-check" title={words.lockHint}>
          <input type="checkbox" checked={locked} onChange={(event) => onLock(event.target.checked)} />
          {words.lock}
        </label>
      )}
      <p className="faint small">{words.displayOnly}</p>
    </section>
  );
}
