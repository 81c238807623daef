import { useState } from "react";
import { drawTiles } from "../../api/actions";
import { useSession } from "../../api/queries";
import type { Audit } from "../../api/types";
import { useAction } from "../../api/useAction";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { ProblemMessage } from "../../ui/Message";
import { Progress } from "../../ui/Progress";

const words = text.train;

/** Draws tiles to learn from, and leads to the next open one. */
export function TrainingTiles({ study, audit }: { study: string; audit: Audit }) {
  const mayDraw = useSession().data?.role === "owner";
  const [typed, setTyped] = useState("10");
  const draw = useAction((training: number) => drawTiles(study, { training }));
  const tiles = audit.units.filter(({ roles }) => roles.includes("training"));
  const done = tiles.filter(({ state }) => state === "annotated").length;
  const next = tiles.find(({ state }) => state !== "annotated");
  const wanted = Number(typed);
  const sound = Number.isInteger(wanted) && wanted >= 3;
  return (
    <Card title={words.tiles}>
      <div className="stack">
        {tiles.length === 0 ? (
          <p className="soft">{words.noTiles}</p>
        ) : (
          <>
            <div className="row">
              <strong>{words.done(done, tiles.length)}</strong>
              <span className="spacer" />
              {next && (
                <Link href={studyPath(study, "audit", next.unit)} className="button primary">
                  <Icon name="pencil" /> {text.audit.annotate(next.unit)}
                </Link>
              )}
            </div>
            <Progress done={done} total={tiles.length} label={words.done(done, tiles.length)} />
          </>
        )}
        {mayDraw && tiles.length === 0 && (
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault();
              if (sound) void draw.run(wanted);
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
            <div className="row">
              <button type="submit" className="button" disabled={!sound || draw.busy}>
                {words.draw(sound ? wanted : 0)}
              </button>
            </div>
          </form>
        )}
        {draw.problem && <ProblemMessage problem={draw.problem} />}
      </div>
    </Card>
  );
}
