import { useAgreement } from "../../api/queries";
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
              {pairs.map(({ a, b, n_units, f1 }) => (
                <div key={`${a}/${b}`}>
                  <dt>
                    {a} – {b} <span className="faint">({text.count.tiles(n_units)})</span>
                  </dt>
                  <dd>
                    F1 <Value value={f1.value} low={f1.low} high={f1.high} level={f1.level} />
                  </dd>
                </div>
              ))}
            </dl>
          </div>
        )}
      </Loaded>
    </Card>
  );
}
