import type { ReactNode } from "react";

interface Props {
  title?: ReactNode;
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A bordered part of a screen with a heading. */
export function Card({ title, aside, className = "", children }: Props) {
  return (
    <section className={`card ${className}`}>
      {(title || aside) && (
        <div className="head">
          {title && <h2>{title}</h2>}
          <span className="spacer" />
          {aside}
        </div>
      )}
      <div className="body">{children}</div>
    </section>
  );
}
