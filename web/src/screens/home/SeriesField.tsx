import { text } from "../../app/strings";
import { Field } from "../../ui/Field";
import type { SeriesForm } from "./series";

const words = text.create;

/** Which images of files that hold several; asked only where there are such files. */
export function SeriesField({ form }: { form: SeriesForm }) {
  if (!form.several) return null;
  const hint = form.choice === "each" ? { hint: words.seriesHint } : {};
  return (
    <Field label={words.series} {...hint}>
      <select className="input" value={form.choice} onChange={(event) => form.choose(event.target.value)}>
        <option value="each">{words.seriesOf.each(form.several)}</option>
        <option value="first">{words.seriesOf.first}</option>
      </select>
    </Field>
  );
}
