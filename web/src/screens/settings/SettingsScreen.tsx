import { signOut } from "../../api/actions";
import { useSession } from "../../api/queries";
import { useAction } from "../../api/useAction";
import { THEMES, useApp } from "../../app/store";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { Field } from "../../ui/Field";

const words = text.settings;
const ANNOTATOR = /^[A-Za-z0-9 ._-]{1,64}$/;

/** Appearance, the annotator's name, and who is signed in. */
export default function SettingsScreen() {
  const { theme, setTheme, annotator, setAnnotator, setSignedOut } = useApp();
  const session = useSession().data;
  const leave = useAction(signOut, () => setSignedOut(true));
  return (
    <div className="page narrow">
      <h1>{words.title}</h1>
      <Card title={words.theme}>
        <div className="row" role="group" aria-label={words.theme}>
          {THEMES.map((name) => (
            <button
              key={name}
              type="button"
              className="button"
              aria-pressed={theme === name}
              onClick={() => setTheme(name)}
            >
              {words.themes[name]}
            </button>
          ))}
        </div>
      </Card>
      {session?.mode === "token" && (
        <Card>
          <Field
            label={words.annotator}
            hint={words.annotatorHint}
            fault={ANNOTATOR.test(annotator) ? null : words.annotatorFault}
          >
            <input
              className="input"
              value={annotator}
              onChange={(event) => setAnnotator(event.target.value)}
            />
          </Field>
        </Card>
      )}
      <Card title={words.keys}>
        <p>
          <kbd>Ctrl</kbd> <kbd>K</kbd> / <kbd>⌘</kbd> <kbd>K</kbd> {words.keyPalette} · <kbd>Esc</kbd>{" "}
          {words.keyDialog}
        </p>
      </Card>
      <Card title={words.about}>
        <div className="row">
          <span>{words.version(session?.version ?? "")}</span>
          {session?.user && (
            <span className="soft">
              {session.user}: {text.roles[session.role ?? "viewer"]}
            </span>
          )}
          <span className="spacer" />
          {session?.mode === "accounts" && (
            <button type="button" className="button" disabled={leave.busy} onClick={() => leave.run()}>
              {words.signOut}
            </button>
          )}
        </div>
      </Card>
    </div>
  );
}
