import { text } from "../../app/strings";
import { Field } from "../../ui/Field";
import type { StackForm } from "./stacks";

const words = text.create;

/** Which plane of stacks, and which times of time-lapses: asked only where there are any. */
export function StackFields({ form }: { form: StackForm }) {
  const { depth, times, values, set, faults } = form;
  return (
    <>
      {depth > 0 && (
        <Choice
          label={words.depth}
          hint={words.depthHint(values.z === "max" || values.z === "mean")}
          choices={words.depths}
          value={values.z}
          onChange={set.z}
        />
      )}
      {depth > 0 && values.z === "one" && (
        <Place label={words.depthNumber(depth)} value={values.zAt} onChange={set.zAt} fault={faults.z} />
      )}
      {times > 0 && (
        <Choice
          label={words.times}
          hint={values.t === "each" ? words.timesHint : undefined}
          choices={words.timesOf}
          value={values.t}
          onChange={set.t}
        />
      )}
      {times > 0 && values.t === "one" && (
        <Place label={words.timeNumber(times)} value={values.tAt} onChange={set.tAt} fault={faults.t} />
      )}
    </>
  );
}

interface ChoiceProps {
  label: string;
  hint: string | undefined;
  choices: Readonly<Record<string, string>>;
  value: string;
  onChange: (value: string) => void;
}

function Choice({ label, hint, choices, value, onChange }: ChoiceProps) {
  return (
    <Field label={label} {...(hint ? { hint } : {})}>
      <select className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        {Object.entries(choices).map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface PlaceProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  fault: string | null;
}

function Place({ label, value, onChange, fault }: PlaceProps) {
  return (
    <Field label={label} fault={fault}>
      <input
        className="input"
        inputMode="numeric"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
