import { Icon } from "../../ui/Icon";
import { words } from "../strings";
import type { AnnotationUnit } from "../types";

interface Props {
  readonly unit: AnnotationUnit;
  readonly annotator: string;
  readonly place?: string;
  readonly isUnsaved: boolean;
  readonly isEmpty: boolean;
  readonly said: string;
  readonly onSave: () => void;
  readonly onDone?: () => void;
  readonly onPrevious?: () => void;
}

/** Which tile this is, and the way on. */
export function Header({
  unit,
  annotator,
  place,
  isUnsaved,
  isEmpty,
  said,
  onSave,
  onDone,
  onPrevious,
}: Props) {
  return (
    <header className="tile-header">
      {onPrevious && (
        <button type="button" className="button small" aria-label={words.previous} onClick={onPrevious}>
          <Icon name="left" size={14} />
        </button>
      )}
      {place && <span className="chip">{place}</span>}
      <span className="faint">{[unit.imageName, annotator].filter((part) => part !== "").join(" · ")}</span>
      <span className="spacer" />
      <span className="faint small" role="status">
        {said}
      </span>
      <button type="button" className="button small" disabled={!isUnsaved} onClick={onSave}>
        {words.save}
      </button>
      {onDone && (
        <button type="button" className="button small primary" onClick={onDone}>
          {isEmpty ? words.doneEmpty : words.done} <Icon name="right" size={13} />
        </button>
      )}
    </header>
  );
}
