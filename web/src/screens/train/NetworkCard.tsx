import type { Network } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { number } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { LossPlot } from "../../ui/plots/LossPlot";
import { TrustChip } from "../../ui/TrustChip";
import { Value } from "../../ui/Value";

const words = text.train;
type Figure = Partial<Record<"value" | "low" | "high" | "level", number | null>>;
/** Figures that are shown; all are in the package. */
const SHOWN = ["f1@0.5", "f1@0.7", "precision@0.5", "recall@0.5", "pq", "dice"];

/** One network of the study: how its training goes or went, what it can do, and its package. */
export function NetworkCard({ study, network, live }: { study: string; network: Network; live: boolean }) {
  const { name, finished, losses, checks, minutes, steps } = network;
  return (
    <Card
      title={name}
      aside={
        finished ? (
          <TrustChip evidence={network.evidence} />
        ) : (
          <span className="chip info">{live ? words.learning : words.unfinished}</span>
        )
      }
    >
      <div className="stack">
        {(losses.length > 0 || checks.length > 0) && (
          <figure className="loss">
            <LossPlot losses={losses} checks={checks} />
            <figcaption className="row small soft">
              {losses.length > 0 && <Key className="learned">{words.lossKey}</Key>}
              <Key className="corrected">{words.checkKey}</Key>
              <span className="spacer" />
              <span className="number">{words.spent(number(minutes, 2), steps)}</span>
            </figcaption>
          </figure>
        )}
        {!finished && !live && <p className="soft">{words.goesOn}</p>}
        {network.comparison && <Comparison comparison={network.comparison} />}
        {network.figures && <Figures figures={network.figures} split={network.split} />}
        {network.stopped && <p className="soft small">{words.stopped(network.stopped)}</p>}
        {network.notes.length > 0 && (
          <ul className="bullets small soft">
            {network.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        )}
        {finished && (
          <div className="row">
            <Link href={studyPath(study, "candidates")} className="button">
              {words.toCandidates}
            </Link>
            {network.package && (
              <a className="button" href={network.package} download>
                <Icon name="download" /> {words.export}
              </a>
            )}
          </div>
        )}
      </div>
    </Card>
  );
}

function Key({ className, children }: { className: string; children: string }) {
  return (
    <span className="row">
      <svg width="22" height="10" aria-hidden="true" className="plot">
        <line x1="1" x2="21" y1="5" y2="5" className={`${className} line`} />
      </svg>
      {children}
    </span>
  );
}

/** A figure with its interval. Its `unit` is that of the sample, such as fields, and not of the number. */
function Interval({ of }: { of: Figure | null | undefined }) {
  return <Value value={of?.value} low={of?.low} high={of?.high} level={of?.level} />;
}

function Comparison({ comparison }: { comparison: NonNullable<Network["comparison"]> }) {
  const { values, difference, start, metric, sentence, recommended } = comparison;
  return (
    <section className="stack" aria-label={words.comparison(start)}>
      <h3>{words.comparison(start)}</h3>
      <p>
        <span className={`chip ${recommended === "new" ? "good" : "warn"}`}>
          {recommended === "new" ? words.better : words.notBetter}
        </span>{" "}
        {sentence}
      </p>
      <table className="table">
        <thead>
          <tr>
            <th>{text.metrics[metric] ?? metric}</th>
            <th>{words.onLocked}</th>
          </tr>
        </thead>
        <tbody>
          {[
            { name: words.theNew, value: values.new },
            { name: start, value: values.start },
            { name: words.difference, value: difference },
          ].map(({ name, value }) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{value && <Interval of={value} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Figures({ figures, split }: { figures: NonNullable<Network["figures"]>; split: Network["split"] }) {
  const locked = (split?.test as { images?: number } | undefined)?.images;
  return (
    <section className="stack">
      <h3>{locked === undefined ? words.onLocked : words.lockedImages(locked)}</h3>
      <p className="soft small">{words.lockedHint}</p>
      <dl className="facts wide">
        {SHOWN.filter((key) => key in figures).map((key) => (
          <div key={key}>
            <dt>{text.metrics[key] ?? key}</dt>
            <dd>
              <Interval of={figures[key]} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
