/** What was asked of the server: a quiet placeholder, the problem with a button to try again, or the content. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { text } from "../app/strings";
import { ErrorMessage } from "./Message";

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  lines?: number;
}

export function Loaded<T>({ query, children, lines = 1 }: Props<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) {
    const again = (
      <button type="button" className="button small" onClick={() => query.refetch()}>
        {text.again}
      </button>
    );
    return <ErrorMessage error={query.error} action={again} />;
  }
  return (
    <div className="stack" role="status" aria-label={text.loading}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders are all alike
        <div key={line} className="skeleton" />
      ))}
    </div>
  );
}
