import { useState } from "react";
import { useTiles } from "../../api/queries";
import type { RankedTile, StudyDetail } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { fixed } from "../../ui/format";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { Thumb } from "../../ui/Thumb";
import { TrustChip } from "../../ui/TrustChip";

const words = text.answer;

/** Tiles where the method did worst or best; a click shows the place in the image with all outlines. */
export function RankedTilesCard({ study }: { study: StudyDetail }) {
  const [order, setOrder] = useState<"worst" | "best">("worst");
  const tiles = useTiles(study.id, order, true);
  return (
    <div id="tiles">
      <Card
        title={words.tiles[order]}
        aside={
          <>
            <div className="row" role="group" aria-label={words.order}>
              {(["worst", "best"] as const).map((name) => (
                <button
                  key={name}
                  type="button"
                  className="button small"
                  aria-pressed={order === name}
                  onClick={() => setOrder(name)}
                >
                  {words.orders[name]}
                </button>
              ))}
            </div>
            {tiles.data && <TrustChip evidence={tiles.data.evidence} />}
          </>
        }
      >
        <Loaded query={tiles}>
          {({ tiles: ranked, candidate }) => (
            <ul className="tile-grid">
              {ranked.map((tile) => (
                <Tile key={tile.unit} study={study.id} tile={tile} candidate={candidate} />
              ))}
            </ul>
          )}
        </Loaded>
      </Card>
    </div>
  );
}

function Tile({ study, tile, candidate }: { study: string; tile: RankedTile; candidate: string }) {
  const place = studyPath(study, "images", tile.image_id, { c: candidate, box: tile.box.join(",") });
  return (
    <li>
      <Link href={place}>
        <Thumb src={tile.crop} lazy />
        <span className="image-name">{tile.unit}</span>
        <span className="faint small number">
          {words.tileText(fixed(tile.f1, 2), tile.n_reference, tile.n_prediction)}
        </span>
      </Link>
    </li>
  );
}
