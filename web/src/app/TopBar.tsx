import { useJobs, useSession, useStudies } from "../api/queries";
import { Icon } from "../ui/Icon";
import { Link } from "../ui/Link";
import { type Route, studyPath } from "./routes";
import { useApp } from "./store";
import { text } from "./strings";

const isMac = navigator.platform.startsWith("Mac");

/** Name, study, search, jobs and settings: the same on every screen. */
export function TopBar({ route }: { route: Route }) {
  const openPalette = useApp((state) => state.setPalette);
  const studies = useStudies().data?.studies ?? [];
  const study = route.page === "study" ? studies.find(({ id }) => id === route.study) : undefined;
  return (
    <header className="topbar">
      <Link href="/" className="brand" title={text.home.title}>
        <img src="/favicon.svg" alt="" width="22" height="22" />
        <span>{text.app}</span>
      </Link>
      {route.page === "study" && (
        <>
          <Icon name="right" size={12} />
          <Link href={studyPath(route.study)} className="study-name">
            {study?.name ?? route.study}
          </Link>
        </>
      )}
      <span className="spacer" />
      <button type="button" className="palette-button" onClick={() => openPalette(true)}>
        <Icon name="search" size={14} />
        {text.palette.open}
        <kbd>{isMac ? "⌘" : "Ctrl"} K</kbd>
      </button>
      <nav aria-label={text.appNavigation} className="row">
        <JobsLink current={route.page === "jobs"} />
        <Link
          href="/settings"
          className="button plain"
          aria-current={route.page === "settings" ? "page" : undefined}
        >
          <Icon name="settings" />
          {text.screens.settings}
        </Link>
      </nav>
      <WhoAmI />
    </header>
  );
}

function JobsLink({ current }: { current: boolean }) {
  const jobs = useJobs().data ?? [];
  const active = jobs.filter(({ state }) => state === "running" || state === "queued").length;
  return (
    <Link href="/jobs" className="button plain" aria-current={current ? "page" : undefined}>
      <Icon name="jobs" />
      {text.screens.jobs}
      {active > 0 && (
        <span className="badge">
          {active}
          <span className="visually-hidden"> {text.jobs.active}</span>
        </span>
      )}
    </Link>
  );
}

function WhoAmI() {
  const session = useSession().data;
  if (session?.mode !== "accounts" || !session.user) return null;
  return (
    <span className="chip" title={text.roles[session.role ?? "viewer"]}>
      {session.user} · {session.role}
    </span>
  );
}
