import { useState } from "react";
import { addCandidate } from "../../api/actions";
import { useOtherMethods, useSession } from "../../api/queries";
import type { OtherCandidate } from "../../api/types";
import { useAction } from "../../api/useAction";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { Loaded } from "../../ui/Loaded";
import { ProblemMessage } from "../../ui/Message";

const words = text.candidates;

/** Methods that do not compete here: what each is for, how far it suits these images, and a way in. */
export function OtherMethods({ study }: { study: string }) {
  const [open, setOpen] = useState(false);
  const others = useOtherMethods(study, open);
  const mayAdd = useSession().data?.role === "owner";
  const add = useAction((method: string) => addCandidate(study, method));
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.others}</summary>
      {open && (
        <div className="stack">
          <p className="soft">{words.othersHint}</p>
          {add.problem && <ProblemMessage problem={add.problem} />}
          <Loaded query={others} lines={2}>
            {(found) =>
              found.length === 0 ? (
                <p>{words.noOthers}</p>
              ) : (
                <table className="table">
                  <tbody>
                    {found.map((other) => (
                      <Row
                        key={other.name}
                        other={other}
                        busy={add.busy}
                        onAdd={mayAdd && other.fits ? () => add.run(other.name) : null}
                      />
                    ))}
                  </tbody>
                </table>
              )
            }
          </Loaded>
        </div>
      )}
    </details>
  );
}

interface RowProps {
  other: OtherCandidate;
  busy: boolean;
  onAdd: (() => void) | null;
}

function Row({ other: { name, card, remarks }, busy, onAdd }: RowProps) {
  return (
    <tr>
      <td>
        <strong>{name}</strong>
        {card && <div className="soft small">{card.summary}</div>}
      </td>
      <td className="soft small">{remarks.join(" ") || words.noRemarks}</td>
      <td>
        {onAdd && (
          <button type="button" className="button small" disabled={busy} onClick={onAdd}>
            <Icon name="plus" size={12} /> {words.add(name)}
          </button>
        )}
      </td>
    </tr>
  );
}
