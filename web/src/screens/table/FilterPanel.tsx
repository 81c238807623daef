import { useState } from "react";
import type { ObjectPage, StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { number } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { Histogram } from "../../ui/plots/Histogram";
import { isMeasured } from "../viewer/useObjectColumns";
import { type Filters, NO_FILTERS, withSpan } from "./filters";
import { useHistogram } from "./useObjects";

const words = text.table;
const FIRST_COLUMNS = ["area", "mean_intensity"];

interface Props {
  study: StudyDetail;
  page: ObjectPage;
  filters: Filters;
  onFilters: (filters: Filters) => void;
  query: URLSearchParams;
  /** The rows are those of the query; until then they come first, and the histograms wait. */
  isCurrent: boolean;
}

/** Groups and image by choice and words, measured columns by dragging across their histograms. */
export function FilterPanel({ study, page, filters, onFilters, query, isCurrent }: Props) {
  const [columns, setColumns] = useState(FIRST_COLUMNS);
  const measured = page.columns.filter(isMeasured).map(({ name }) => name);
  return (
    <div className="stack">
      <div className="row filter-bar">
        <input
          className="input filter-words"
          type="search"
          aria-label={words.image}
          placeholder={words.image}
          value={filters.image}
          onChange={(event) => onFilters({ ...filters, image: event.target.value })}
        />
        {study.groups.length > 1 &&
          study.groups.map(({ group }) => (
            <button
              key={group}
              type="button"
              className="chip"
              aria-pressed={filters.group === group}
              onClick={() => onFilters({ ...filters, group: filters.group === group ? null : group })}
            >
              {group}
            </button>
          ))}
        {filters.spans.map(({ column, low, high }) => (
          <button
            key={column}
            type="button"
            className="chip"
            aria-pressed
            onClick={() => onFilters(withSpan(filters, column, null))}
          >
            {words.span(column, number(low), number(high))} <Icon name="cross" size={10} />
          </button>
        ))}
        {filters !== NO_FILTERS && (
          <button type="button" className="button small plain" onClick={() => onFilters(NO_FILTERS)}>
            {words.clear}
          </button>
        )}
      </div>
      <div className="columns">
        {columns.map((column, place) => (
          <ColumnHistogram
            key={place === 0 ? "first" : "second"}
            study={study.id}
            query={query}
            isCurrent={isCurrent}
            column={measured.includes(column) ? column : (measured[place] ?? column)}
            measured={measured}
            filters={filters}
            onFilters={onFilters}
            onColumn={(name) => setColumns(columns.map((old, at) => (at === place ? name : old)))}
          />
        ))}
      </div>
    </div>
  );
}

interface ColumnProps extends Pick<Props, "filters" | "onFilters" | "query" | "isCurrent"> {
  study: string;
  column: string;
  measured: string[];
  onColumn: (column: string) => void;
}

function ColumnHistogram(props: ColumnProps) {
  const { study, query, column, measured, filters, onFilters, onColumn, isCurrent } = props;
  const histogram = useHistogram(study, query, column, isCurrent).data;
  const span = filters.spans.find((known) => known.column === column);
  return (
    <figure className="column-histogram">
      <select
        className="input small"
        aria-label={words.column}
        value={column}
        onChange={(event) => onColumn(event.target.value)}
      >
        {measured.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {histogram && histogram.column === column && (
        <Histogram
          edges={histogram.edges}
          series={histogram.series}
          label={histogram.unit ? `${column} (${histogram.unit})` : column}
          span={span ? [span.low, span.high] : null}
          onSpan={(next) => onFilters(withSpan(filters, column, next))}
        />
      )}
    </figure>
  );
}
