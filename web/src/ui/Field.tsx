/** A labelled form field; hint and fault are read out with it. */
import { cloneElement, type ReactElement, useId } from "react";

interface InputProps {
  id?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}
interface Props {
  label: string;
  hint?: string;
  fault?: string | null;
  children: ReactElement<InputProps>;
}

export function Field({ label, hint, fault, children }: Props) {
  const id = useId();
  const note = `${id}-note`;
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      {cloneElement(children, {
        id,
        "aria-describedby": hint || fault ? note : undefined,
        "aria-invalid": fault ? true : undefined,
      })}
      {(fault || hint) && (
        <span className={fault ? "fault" : "hint"} id={note} role={fault ? "alert" : undefined}>
          {fault || hint}
        </span>
      )}
    </div>
  );
}
