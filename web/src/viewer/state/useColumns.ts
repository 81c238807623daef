import { useEffect, useState } from "react";
import { type ColumnColors, columnColors } from "../render/labelStyle";
import type { ViewerLabels, ViewerProps } from "../types";

interface Columns {
  readonly colors: ReadonlyMap<string, ColumnColors>;
  readonly unit: string;
}

const NONE: Columns = { colors: new Map(), unit: "" };

/** Loads the values of a column for every candidate in view, and makes colours of them. */
export function useColumns(
  column: string | null,
  shown: readonly (string | null)[],
  labels: readonly ViewerLabels[],
  loadColumn: ViewerProps["loadColumn"],
  onError: (error: unknown) => void,
): Columns {
  const [columns, setColumns] = useState<Columns>(NONE);
  const wanted = labels.filter(
    ({ id, columns: known }) => shown.includes(id) && known?.some(({ name }) => name === column),
  );
  const key = `${column} ${wanted.map(({ id, zarr }) => `${id} ${zarr}`).join()}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what is wanted
  useEffect(() => {
    if (column === null || !loadColumn) {
      setColumns(NONE);
      return;
    }
    let isCurrent = true;
    Promise.all(wanted.map(async ({ id }) => [id, await loadColumn(id, column)] as const)).then((found) => {
      if (!isCurrent) return;
      setColumns({
        colors: new Map(found.map(([id, values]) => [id, columnColors(values)])),
        unit: found[0]?.[1].unit ?? "",
      });
    }, onError);
    return () => {
      isCurrent = false;
    };
  }, [key, loadColumn]);
  return columns;
}
