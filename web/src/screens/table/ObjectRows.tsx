import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { Cell, ObjectPage } from "../../api/types";
import { text } from "../../app/strings";
import type { Sort } from "./filters";
import { cellText, objectOf, type Picked } from "./SelectedRow";
import { PAGE, useRows } from "./useObjects";

const ROW = 30;
const WIDE = 190;
const NARROW = 118;

interface Props {
  study: string;
  page: ObjectPage;
  query: URLSearchParams;
  sort: Sort | null;
  onSort: (column: string) => void;
  picked: Picked | null;
  onPick: (row: Cell[]) => void;
}

/** The rows in sight, of a table of any length; arrow keys move, Enter picks. */
export function ObjectRows({ study, page, query, sort, onSort, picked, onPick }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: page.matching,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 14,
  });
  const seen = rows.getVirtualItems();
  const pages = [...new Set(seen.map(({ index }) => Math.floor(index / PAGE)))];
  const rowAt = useRows(study, query, pages.length ? pages : [0]);
  const template = page.columns.map(({ name }) => `${name === "image_id" ? WIDE : NARROW}px`).join(" ");
  const width = page.columns.reduce((sum, { name }) => sum + (name === "image_id" ? WIDE : NARROW), 0);
  const isPicked = (cells: Cell[]) => {
    const object = objectOf(page.columns, cells);
    return object !== null && object.image === picked?.image && object.label === picked.label;
  };

  return (
    <div
      className="object-rows"
      ref={box}
      role="grid"
      aria-label={text.table.title}
      aria-rowcount={page.matching + 1}
      aria-colcount={page.columns.length}
      tabIndex={0}
    >
      <div style={{ width, height: rows.getTotalSize() + ROW }} role="rowgroup">
        <div className="object-row head" role="row" style={{ gridTemplateColumns: template }}>
          {page.columns.map(({ name, unit, description }) => (
            <span
              key={name}
              role="columnheader"
              aria-sort={sort?.column === name ? (sort.down ? "descending" : "ascending") : "none"}
            >
              <button type="button" title={description} onClick={() => onSort(name)}>
                {name} {unit && <span className="faint">{unit}</span>}
                {sort?.column === name && (sort.down ? " ↓" : " ↑")}
              </button>
            </span>
          ))}
        </div>
        {seen.map(({ index, start }) => {
          const cells = rowAt(index);
          return (
            <div
              key={index}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={cells ? isPicked(cells) : false}
              className="object-row"
              tabIndex={-1}
              style={{
                gridTemplateColumns: template,
                height: ROW,
                transform: `translateY(${start + ROW}px)`,
              }}
              onClick={() => cells && onPick(cells)}
              onKeyDown={(event) => moveFocus(event, cells, onPick)}
            >
              {page.columns.map(({ name }, at) => (
                <span key={name} role="gridcell" className={typeof cells?.[at] === "number" ? "number" : ""}>
                  {cells ? cellText(cells[at]) : "…"}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function moveFocus(
  event: React.KeyboardEvent<HTMLElement>,
  cells: Cell[] | null,
  onPick: (row: Cell[]) => void,
): void {
  const row = event.currentTarget;
  const other = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
  if (other instanceof HTMLElement) {
    event.preventDefault();
    other.focus();
  }
  if (event.key === "Enter" && cells) onPick(cells);
}
