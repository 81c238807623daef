import { useState } from "react";
import { drawTiles } from "../../api/actions";
import { useSession } from "../../api/queries";
import type { Audit, StudyDetail } from "../../api/types";
import { useAction } from "../../api/useAction";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { ProblemMessage } from "../../ui/Message";

const words = text.audit;
const MORE = 10;
/** More than this is not offered at once. */
const MOST = 100;

/** Draws the audit's tiles at random, and more of them later; both stay valid. */
export function DrawPanel({
  study,
  audit,
  extra = null,
}: {
  study: StudyDetail;
  audit: Audit;
  extra?: number | null;
}) {
  const mayDraw = useSession().data?.role === "owner";
  const [typed, setTyped] = useState(String(audit.suggested_tiles));
  const draw = useAction((body: Parameters<typeof drawTiles>[1]) => drawTiles(study.id, body));
  const tiles = Number.parseInt(typed, 10);
  const sound = Number.isInteger(tiles) && tiles >= 2;
  if (!mayDraw) return audit.drawn ? null : <p className="empty">{words.ownerDraws}</p>;

  const choices = extra && extra <= MOST && extra !== MORE ? [extra, MORE] : [MORE];

  if (audit.drawn)
    return (
      <Card title={words.more}>
        <div className="stack">
          <p className="soft">{extra ? words.moreNeeded(extra) : words.moreHint}</p>
          <div className="row">
            {choices.map((more) => (
              <button
                key={more}
                type="button"
                className="button"
                disabled={draw.busy}
                onClick={() => draw.run({ more })}
              >
                <Icon name="plus" /> {words.drawMore(more)}
              </button>
            ))}
          </div>
          {draw.problem && <ProblemMessage problem={draw.problem} />}
        </div>
      </Card>
    );

  return (
    <Card>
      <form
        className="stack wide"
        onSubmit={(event) => {
          event.preventDefault();
          if (sound) void draw.run({ tiles });
        }}
      >
        <Field label={words.howMany} hint={words.howManyHint} fault={sound ? null : words.howManyFault}>
          <input
            className="input count-input"
            inputMode="numeric"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </Field>
        <p className="soft">{words.fixes}</p>
        {draw.problem && <ProblemMessage problem={draw.problem} />}
        <div className="row">
          <button type="submit" className="button primary big" disabled={!sound || draw.busy}>
            {words.draw(sound ? tiles : 0)}
          </button>
        </div>
      </form>
    </Card>
  );
}
