import { useState } from "react";
import { signIn } from "../../api/actions";
import { keys } from "../../api/keys";
import { queryClient } from "../../api/queries";
import type { Session } from "../../api/types";
import { useAction } from "../../api/useAction";
import { useApp } from "../../app/store";
import { text } from "../../app/strings";
import { Field } from "../../ui/Field";
import { ProblemMessage } from "../../ui/Message";

const words = text.signIn;

/** User and password on a lab's server, the printed token on one's own machine. */
export function SignIn({ session }: { session: Session }) {
  const [user, setUser] = useState("");
  const [secret, setSecret] = useState("");
  const setSignedOut = useApp((state) => state.setSignedOut);
  const wasIn = useApp((state) => state.signedOut);
  const enter = useAction(signIn, (known) => {
    queryClient.setQueryData(keys.session(), known);
    setSignedOut(false);
    void queryClient.invalidateQueries();
  });
  const byAccount = session.mode === "accounts";
  return (
    <main className="sign-in">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          void enter.run(byAccount ? { user, password: secret } : { token: secret.trim() });
        }}
      >
        <div className="body stack wide">
          <h1>{words.title}</h1>
          {wasIn && <p className="soft">{words.kept}</p>}
          {byAccount && (
            <Field label={words.user}>
              <input
                className="input"
                autoComplete="username"
                value={user}
                onChange={(event) => setUser(event.target.value)}
              />
            </Field>
          )}
          <Field
            label={byAccount ? words.password : words.token}
            hint={byAccount ? undefined : words.tokenHint}
          >
            <input
              className="input"
              type="password"
              autoComplete="current-password"
              value={secret}
              onChange={(event) => setSecret(event.target.value)}
            />
          </Field>
          {enter.problem && enter.problem.status !== 0 && <ProblemMessage problem={enter.problem} />}
          <button
            type="submit"
            className="button primary big"
            disabled={enter.busy || !secret || (byAccount && !user)}
          >
            {words.go}
          </button>
        </div>
      </form>
    </main>
  );
}
