import { Dialog } from "../../ui/Dialog";
import type { Action } from "../keys/actions";
import { keyMap, PRESETS, type Preset } from "../keys/presets";
import { words } from "../strings";

interface Props {
  readonly preset: Preset;
  readonly onPreset: (preset: Preset) => void;
  readonly onClose: () => void;
}

/** All keys of the chosen preset. */
export function CheatSheet({ preset, onPreset, onClose }: Props) {
  const keys = keyMap(preset);
  const actions = Object.keys(words.actions) as Action[];
  return (
    <Dialog label={words.helpTitle} onClose={onClose} className="tile-sheet">
      <header>
        <h2>{words.helpTitle}</h2>
        <fieldset className="segments" aria-label={words.keysOf}>
          {PRESETS.map((each) => (
            <button
              key={each}
              type="button"
              className="button small"
              aria-pressed={each === preset}
              onClick={() => onPreset(each)}
            >
              {each}
            </button>
          ))}
        </fieldset>
      </header>
      <dl>
        {actions.map((action) => (
          <div key={action}>
            <dt>{words.actions[action]}</dt>
            <dd>
              {keys.get(action)?.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <h3>{words.mouse}</h3>
      {words.mouseLines.map((line) => (
        <p key={line} className="small">
          {line}
        </p>
      ))}
    </Dialog>
  );
}
