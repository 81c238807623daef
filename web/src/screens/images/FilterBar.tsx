import type { ImageRow } from "../../api/types";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { type ImageFilter, tally } from "./filter";
import type { View } from "./ImagesScreen";

const words = text.images;

interface Props {
  images: ImageRow[];
  filter: ImageFilter;
  onFilter: (filter: ImageFilter) => void;
  view: View;
  onView: (view: View) => void;
}

/** Filter by words, group and quality flag; pictures or table. */
export function FilterBar({ images, filter, onFilter, view, onView }: Props) {
  const groups = tally(images.map(({ group }) => group));
  const flags = tally(images.flatMap(({ quality }) => quality?.flags ?? []));
  return (
    <div className="row filter-bar">
      <input
        className="input filter-words"
        type="search"
        aria-label={words.filter}
        placeholder={words.filter}
        value={filter.words}
        onChange={(event) => onFilter({ ...filter, words: event.target.value })}
      />
      {groups.length > 1 &&
        groups.map(([group, count]) => (
          <button
            key={group}
            type="button"
            className="chip"
            aria-pressed={filter.group === group}
            onClick={() => onFilter({ ...filter, group: filter.group === group ? null : group })}
          >
            {group} {count}
          </button>
        ))}
      {flags.map(([flag, count]) => (
        <button
          key={flag}
          type="button"
          className="chip warn"
          aria-pressed={filter.flag === flag}
          onClick={() => onFilter({ ...filter, flag: filter.flag === flag ? null : flag })}
        >
          <Icon name="warn" size={11} /> {text.flags[flag] ?? flag} {count}
        </button>
      ))}
      {filter.well && (
        <button
          type="button"
          className="chip"
          aria-pressed
          onClick={() => onFilter({ ...filter, well: null })}
        >
          {words.well(`${filter.well.row}${filter.well.column}`)} <Icon name="cross" size={10} />
        </button>
      )}
      <span className="spacer" />
      <div className="row" role="group" aria-label={words.view}>
        <button
          type="button"
          className="button small"
          aria-pressed={view === "grid"}
          onClick={() => onView("grid")}
        >
          <Icon name="image" size={13} /> {words.grid}
        </button>
        <button
          type="button"
          className="button small"
          aria-pressed={view === "table"}
          onClick={() => onView("table")}
        >
          <Icon name="table" size={13} /> {words.table}
        </button>
      </div>
    </div>
  );
}
