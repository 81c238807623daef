import { useAudit, useImages } from "../../api/queries";
import type { StudyDetail } from "../../api/types";
import { Loaded } from "../../ui/Loaded";
import StudyViewer from "../viewer/StudyViewer";

/** One drawn tile in its image. */
export default function TileEditor({ study, unit }: { study: StudyDetail; unit: string }) {
  const audit = useAudit(study.id);
  const images = useImages(study.id).data?.value.images;
  return (
    <Loaded query={audit}>
      {({ units }) => {
        const tile = units.find((one) => one.unit === unit);
        const image = images?.find(({ id }) => id === tile?.image_id);
        return image && tile ? <StudyViewer study={study} image={image} box={tile.box.join(",")} /> : null;
      }}
    </Loaded>
  );
}
