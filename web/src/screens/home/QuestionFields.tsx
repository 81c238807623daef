import type { Options } from "../../api/types";
import { text } from "../../app/strings";
import { Field } from "../../ui/Field";
import type { MeasureForm } from "./useNewStudyForm";

const OBJECTS = ["nucleus", "cell", "spot", "bacterium", "particle"];
const words = text.create;

interface Props {
  form: MeasureForm;
  options: Options;
  /** Why the object cannot be changed; null if it can. */
  fixed?: string | null;
}

/** What is looked for, what is to be known of it, and which error would matter. */
export function QuestionFields({ form, options, fixed }: Props) {
  const { values, set, kind, faults } = form;
  return (
    <div className="question-fields">
      <Field label={words.what} hint={fixed ?? words.whatHint}>
        <input
          className="input"
          list="known-objects"
          disabled={typeof fixed === "string"}
          value={values.object}
          onChange={(event) => set.object(event.target.value)}
        />
      </Field>
      <datalist id="known-objects">
        {OBJECTS.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <Field label={words.measure}>
        <select
          className="input"
          value={values.measure}
          onChange={(event) => set.measure(event.target.value)}
        >
          {options.measures.map(({ key, text: label }) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </select>
      </Field>
      {kind?.needs_column && (
        <Field label={words.column} hint={words.columnHint}>
          <input
            className="input"
            value={values.column}
            onChange={(event) => set.column(event.target.value)}
          />
        </Field>
      )}
      {kind?.needs_threshold && (
        <Field label={words.threshold}>
          <ThresholdInput form={form} />
        </Field>
      )}
      <Field label={words.tolerance} hint={words.toleranceHint} fault={faults.tolerance}>
        <input
          className="input"
          inputMode="decimal"
          value={values.tolerance}
          onChange={(event) => set.tolerance(event.target.value)}
        />
      </Field>
    </div>
  );
}

function ThresholdInput({ form, ...rest }: { form: MeasureForm; id?: string }) {
  const { values, set } = form;
  return (
    <span className="row">
      <select
        className="input side"
        aria-label={words.threshold}
        value={values.side}
        onChange={(event) => set.side(event.target.value)}
      >
        <option value=">">{words.above}</option>
        <option value="<">{words.below}</option>
      </select>
      <input
        {...rest}
        className="input value-input"
        inputMode="decimal"
        value={values.threshold}
        onChange={(event) => set.threshold(event.target.value)}
      />
    </span>
  );
}
