import { Component, type ReactNode } from "react";
import { text } from "../app/strings";
import { ErrorMessage } from "./Message";

interface State {
  error: unknown;
}

/** Shows what went wrong in place of the part that failed, instead of an empty page. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    const reload = (
      <button type="button" className="button small" onClick={() => location.reload()}>
        {text.reload}
      </button>
    );
    return (
      <div className="page">
        <ErrorMessage error={this.state.error} action={reload} />
      </div>
    );
  }
}
