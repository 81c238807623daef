import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { candidateImagesQuery, useCandidates } from "../../api/queries";
import type { ImageRow, PlateLayout } from "../../api/types";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { number } from "../../ui/format";
import { shade } from "../../ui/plots/scale";
import { TrustChip } from "../../ui/TrustChip";
import type { ImageFilter } from "./filter";
import { WELL_MEASURES, wellValues } from "./wells";

const words = text.plate;
const OBJECTS_OF = "objects:";

interface Props {
  study: string;
  plate: PlateLayout;
  images: ImageRow[];
  chosen: ImageFilter["well"];
  onChoose: (well: ImageFilter["well"]) => void;
}

/** A plate as it lies on the bench, each well coloured by a measure; choosing one shows its fields. */
export function PlateMap({ study, plate, images, chosen, onChoose }: Props) {
  const [chosenMeasure, setMeasure] = useState<string>("intensity");
  const ran = (useCandidates(study).data ?? []).filter((row) => row.n_images_done > 0).map(({ id }) => id);
  const candidate = ran.find((id) => OBJECTS_OF + id === chosenMeasure);
  const found = useQuery({
    ...candidateImagesQuery(study, candidate ?? ""),
    enabled: candidate !== undefined,
  });
  const counts = new Map(found.data?.map(({ id, n_objects }) => [id, n_objects]));
  const measure = WELL_MEASURES.find((name) => name === chosenMeasure) ?? counts;
  const wells = wellValues(plate.plate, images, measure);
  const values = [...wells.values()].filter((value) => value !== null);
  const low = Math.min(...values);
  const high = Math.max(...values);
  return (
    <Card
      title={words.title(plate.plate)}
      aside={
        <select
          className="input small"
          aria-label={words.colour}
          value={chosenMeasure}
          onChange={(event) => setMeasure(event.target.value)}
        >
          {WELL_MEASURES.map((name) => (
            <option key={name} value={name}>
              {words.measures[name]}
            </option>
          ))}
          {ran.map((id) => (
            <option key={id} value={OBJECTS_OF + id}>
              {words.objects(id)}
            </option>
          ))}
        </select>
      }
    >
      <table className="plate">
        <thead>
          <tr>
            <th />
            {plate.columns.map((column) => (
              <th key={column}>{column}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {plate.rows.map((row) => (
            <tr key={row}>
              <th>{row}</th>
              {plate.columns.map((column) => {
                const value = wells.get(`${row}${column}`);
                const isChosen =
                  chosen?.plate === plate.plate && chosen.row === row && chosen.column === column;
                return (
                  <td key={column}>
                    {value !== undefined && (
                      <button
                        type="button"
                        className="well"
                        aria-pressed={isChosen}
                        aria-label={words.wellLabel(`${row}${column}`, number(value))}
                        title={words.wellLabel(`${row}${column}`, number(value))}
                        style={{ background: value === null ? undefined : shade(value, low, high) }}
                        onClick={() => onChoose(isChosen ? null : { plate: plate.plate, row, column })}
                      />
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="faint small">
        {values.length ? words.range(number(low), number(high)) : words.waiting}{" "}
        <TrustChip evidence="untested" />
      </p>
    </Card>
  );
}
