import { text } from "../../app/strings";
import type { PlaneOfStack } from "../../viewer/types";

const words = text.stack;

interface Props {
  plane: PlaneOfStack;
  isWhole: boolean;
  onWhole: (isWhole: boolean) => void;
}

/** The plane that the candidates saw, or the whole stack that it is from. */
export function StackChoice({ plane, isWhole, onWhole }: Props) {
  const isFlat = plane.z === null;
  const choices: [boolean, string][] = [
    [false, isFlat ? words.time : words.plane],
    [true, isFlat ? words.wholeTime : words.wholeStack],
  ];
  return (
    <div className="stack-choice">
      <fieldset className="segments" aria-label={words.label}>
        {choices.map(([whole, name]) => (
          <button
            key={name}
            type="button"
            className="button small"
            aria-pressed={isWhole === whole}
            onClick={() => onWhole(whole)}
          >
            {name}
          </button>
        ))}
      </fieldset>
      <span className="soft small">{words.seen(plane.z, plane.t)}</span>
    </div>
  );
}
