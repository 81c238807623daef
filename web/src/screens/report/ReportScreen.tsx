import { startJob } from "../../api/actions";
import { useJobs, useReport, useSession } from "../../api/queries";
import type { ReportState, StudyDetail } from "../../api/types";
import { useAction } from "../../api/useAction";
import { text } from "../../app/strings";
import { moment } from "../../ui/format";
import { Icon } from "../../ui/Icon";
import { JobCard } from "../../ui/JobCard";
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
