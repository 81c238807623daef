import { text } from "../../app/strings";
import { Field } from "../../ui/Field";
import { SeriesField } from "./SeriesField";
import { StackFields } from "./StackFields";
import type { Grouping, NewStudyForm } from "./useNewStudyForm";

const words = text.create;

/** What the files do not say: groups, pixel size, which channel. Asked only where it is open. */
export function ImageFields({ form }: { form: NewStudyForm }) {
  const { values, set, faults, possible, groups, sheet, channels, uncalibrated, ownName } = form;
  const labels: Record<Grouping, string> = {
    none: words.groupsFrom.none,
    folders: words.groupsFrom.folders(groups.folders),
    names: words.groupsFrom.names(groups.names),
    sheet: words.groupsFrom.sheet(sheet ?? ""),
  };
  return (
    <div className="question-fields">
      <Field label={words.name}>
        <input
          className="input"
          placeholder={ownName}
          value={values.title}
          onChange={(event) => set.title(event.target.value)}
        />
      </Field>
      {possible.length === 1 && <p className="soft small">{words.groupsLater}</p>}
      {possible.length > 1 && (
        <Field label={words.groups}>
          <select
            className="input"
            value={values.grouping}
            onChange={(event) => set.grouping(event.target.value)}
          >
            {possible.map((name) => (
              <option key={name} value={name}>
                {labels[name]}
              </option>
            ))}
          </select>
        </Field>
      )}
      <SeriesField form={form.series} />
      <StackFields form={form.stacks} />
      {channels.length > 1 && (
        <Field label={words.channel}>
          <select
            className="input"
            value={values.channel}
            onChange={(event) => set.channel(event.target.value)}
          >
            {channels.map((name, at) => (
              <option key={name} value={at === 0 ? "" : String(at)}>
                {name}
              </option>
            ))}
          </select>
        </Field>
      )}
      {uncalibrated && (
        <Field label={words.pixel} hint={words.pixelHint} fault={faults.pixel}>
          <input
            className="input"
            inputMode="decimal"
            placeholder="0.325"
            value={values.pixel}
            onChange={(event) => set.pixel(event.target.value)}
          />
        </Field>
      )}
    </div>
  );
}
