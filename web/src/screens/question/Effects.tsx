import type { QuestionEffect } from "../../api/types";
import { text } from "../../app/strings";

const words = text.question;

/** What another question asks for anew, what stays, and what a reader should know. */
export function Effects({ effect }: { effect: QuestionEffect }) {
  if (!effect.is_change) return <p className="soft">{words.same}</p>;
  const parts = [
    { title: words.again, lines: effect.again },
    { title: words.stays, lines: effect.stays },
    { title: words.caution, lines: effect.caution },
  ].filter(({ lines }) => lines.length > 0);
  return (
    <section className="stack" aria-label={words.means} aria-live="polite">
      <strong>{effect.text}</strong>
      {parts.map(({ title, lines }) => (
        <div key={title}>
          <h3>{title}</h3>
          <ul className="bullets">
            {lines.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}
