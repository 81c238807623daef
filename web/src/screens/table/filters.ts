/** Conditions on measured objects, in the words of the server: COLUMN OP VALUE. */
export interface Span {
  column: string;
  low: number;
  high: number;
}
export interface Filters {
  group: string | null;
  image: string;
  spans: Span[];
}
export const NO_FILTERS: Filters = { group: null, image: "", spans: [] };

export function conditions({ group, image, spans }: Filters): string[] {
  return [
    ...(group === null ? [] : [`group=${group}`]),
    ...(image.trim() ? [`image_id~${image.trim()}`] : []),
    ...spans.flatMap(({ column, low, high }) => [`${column}>=${short(low)}`, `${column}<=${short(high)}`]),
  ];
}

/** Seven digits are more than a pixel on the screen can choose. */
function short(value: number): string {
  return String(Number(value.toPrecision(7)));
}

/** Put a column's span in place of its former one; null takes it away. */
export function withSpan(filters: Filters, column: string, span: [number, number] | null): Filters {
  const others = filters.spans.filter((known) => known.column !== column);
  return { ...filters, spans: span ? [...others, { column, low: span[0], high: span[1] }] : others };
}

export interface Sort {
  column: string;
  down: boolean;
}

/** First downwards, then upwards, then as the server has them. */
export function nextSort(sort: Sort | null, column: string): Sort | null {
  if (sort?.column !== column) return { column, down: true };
  return sort.down ? { column, down: false } : null;
}

export function objectsQuery(candidate: string, filters: Filters, sort: Sort | null): URLSearchParams {
  const query = new URLSearchParams({ candidate });
  for (const condition of conditions(filters)) query.append("filter", condition);
  if (sort) query.set("sort", (sort.down ? "-" : "") + sort.column);
  return query;
}
