import { useQuery } from "@tanstack/react-query";
import { api, getJson } from "../../api/client";
import { keys } from "../../api/keys";
import type { Cell, ObjectColumn, ObjectPage } from "../../api/types";
import { text } from "../../app/strings";
import { number } from "../../ui/format";

/** An object that was picked in the table or the image. */
export interface Picked {
  image: string;
  label: number;
  /** Where to go in the image: "y0,x0,y1,x1"; null: it was picked there, so stay. */
  box: string | null;
}

const EDGES = ["bbox-y0", "bbox-x0", "bbox-y1", "bbox-x1"];

/** Which object a row is about. */
export function objectOf(columns: ObjectColumn[], row: Cell[]): Picked | null {
  const at = (name: string) => row[columns.findIndex((column) => column.name === name)];
  const image = at("image_id");
  const label = at("label");
  if (typeof image !== "string" || typeof label !== "number") return null;
  const edges = EDGES.map(at);
  const whole = edges.every((edge) => typeof edge === "number");
  return { image, label, box: whole ? edges.join(",") : null };
}

interface Props {
  study: string;
  candidate: string;
  picked: Picked | null;
  columns: ObjectColumn[];
}

/** All values of the picked object, wherever its row is in the table. */
export function SelectedRow({ study, candidate, picked, columns }: Props) {
  const query = new URLSearchParams({ candidate, limit: "1" });
  query.append("filter", `image_id=${picked?.image}`);
  query.append("filter", `label=${picked?.label}`);
  const found = useQuery({
    queryKey: keys.of(study, "objects", query.toString()),
    queryFn: ({ signal }) => getJson<ObjectPage>(`${api("studies", study, "objects")}?${query}`, signal),
    enabled: picked !== null,
  });
  const row = found.data?.rows[0];
  if (!picked || !row) return <p className="faint small">{text.table.pickHint}</p>;
  return (
    <dl className="picked-values" aria-live="polite" tabIndex={0}>
      {columns.map(({ name, unit, description }, at) => (
        <div key={name} title={description}>
          <dt>{name}</dt>
          <dd className="number">
            {cellText(row[at])} {unit}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function cellText(cell: Cell | undefined): string {
  if (typeof cell === "number") return number(cell, 4);
  if (typeof cell === "boolean") return cell ? text.table.yes : text.table.no;
  return cell ?? text.missing;
}
