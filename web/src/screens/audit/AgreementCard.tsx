import { useAgreement } from "../../api/queries";
import type { Interval } from "../../api/types";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { Loaded } from "../../ui/Loaded";
import { TrustChip } from "../../ui/TrustChip";
import { Value } from "../../ui/Value";

const words = text.audit;

/** How far two annotators who did the same tiles agree: the ceiling for any method. */
export function AgreementCard({ study }: { study: string }) {
  const agreement = useAgreement(study, true);
  return (
    <Card title={words.agreement} aside={agreement.data && <TrustChip evidence={agreement.data.evidence} />}>
      <Loaded query={agreement}>
        {({ pairs, text: summary }) => (
          <div className="stack">
            <p className="soft">{summary}</p>
            <dl className="facts wide">
              {pairs.flatMap(({ a, b, n_units, metrics }) =>
                (Object.entries(metrics) as [string, Interval][]).map(([name, metric]) => (
                  <div key={`${a}/${b}/${name}`}>
                    <dt>
                      {a} – {b}: {text.metrics[name] ?? name}{" "}
                      <span className="faint">({text.count.tiles(n_units)})</span>
                    </dt>
                    <dd>
                      <Value value={metric.value} low={metric.low} high={metric.high} level={metric.level} />
                    </dd>
                  </div>
                )),
              )}
            </dl>
          </div>
        )}
      </Loaded>
    </Card>
  );
}
