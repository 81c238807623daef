import { startJob } from "../../api/actions";
import { useJobs, useReport, useSession } from "../../api/queries";
import type { ReportState, StudyDetail } from "../../api/types";
import { useAction } from "../../api/useAction";
import { nextOf } from "../../app/path";
import { text } from "../../app/strings";
import { moment } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { JobCard } from "../../ui/JobCard";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { Message, ProblemMessage } from "../../ui/Message";

const words = text.report;

/** The report as it will be read, with its download and the record behind it. */
export default function ReportScreen({ study }: { study: StudyDetail }) {
  const report = useReport(study.id);
  const mayRun = useSession().data?.role === "owner";
  const write = useAction(() => startJob(study.id, { kind: "report" }));
  const job = (useJobs().data ?? []).find(
    (one) =>
      one.study === study.id && one.kind === "report" && (one.state === "running" || one.state === "queued"),
  );
  const button = (label: string) =>
    mayRun &&
    !job && (
      <button type="button" className="button primary" disabled={write.busy} onClick={() => write.run()}>
        <Icon name="report" /> {label}
      </button>
    );
  return (
    <Loaded query={report}>
      {(state) => (
        <div className={state.exists ? "view-page" : "page"}>
          {job && <JobCard job={job} />}
          {write.problem && <ProblemMessage problem={write.problem} />}
          <Lacking study={study} />
          {state.exists ? (
            <Existing state={state} again={button(words.again)} />
          ) : (
            <div className="empty">
              <h1>{words.none}</h1>
              <p>{words.noneDetail}</p>
              {button(words.write)}
            </div>
          )}
        </div>
      )}
    </Loaded>
  );
}

/** What is missing before a report says anything that holds; it can be written all the same. */
function Lacking({ study }: { study: StudyDetail }) {
  const next = nextOf(study);
  const step = study.next?.step;
  if (!next || (step !== "more" && step !== "improve")) return null;
  const way = (
    <Link href={next.href} className="button">
      {text.path.nextIs(next.label)}
    </Link>
  );
  return (
    <Message tone="warn" title={words.lacking} action={way}>
      {next.why}
    </Message>
  );
}

function Existing({ state, again }: { state: ReportState; again: React.ReactNode }) {
  return (
    <>
      <div className="view-head">
        <h1>{words.title}</h1>
        <span className="faint small">{words.written(moment(state.written))}</span>
        <span className="spacer" />
        {state.record && (
          <a className="button" href={state.record} download>
            <Icon name="download" /> {words.record}
          </a>
        )}
        {state.download && (
          <a className="button primary" href={state.download} download>
            <Icon name="download" /> {words.download}
          </a>
        )}
      </div>
      {state.stale && (
        <Message tone="warn" title={words.stale} action={again}>
          {words.staleDetail}
        </Message>
      )}
      {state.html && (
        <iframe
          className="report-frame"
          title={words.title}
          src={`${state.html}?v=${encodeURIComponent(state.written ?? "")}`}
          sandbox="allow-popups"
        />
      )}
    </>
  );
}
