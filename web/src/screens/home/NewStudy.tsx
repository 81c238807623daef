import { useEffect, useState } from "react";
import { describe, makeStudy } from "../../api/actions";
import { useJobs, useOptions, useStudies } from "../../api/queries";
import type { Job } from "../../api/types";
import { useAction } from "../../api/useAction";
import { useApp } from "../../app/store";
import { text } from "../../app/strings";
import { Card } from "../../ui/Card";
import { JobCard } from "../../ui/JobCard";
import { Loaded } from "../../ui/Loaded";
import { Message, ProblemMessage } from "../../ui/Message";
import { ImageFields } from "./ImageFields";
import { QuestionFields } from "./QuestionFields";
import { UploadStatus } from "./UploadStatus";
import { NEW_STUDY_DRAFTS, useNewStudyForm } from "./useNewStudyForm";
import type { UploadState } from "./useUpload";

const words = text.create;

interface Props {
  upload: UploadState | null;
  paths: string[] | null;
  onLeave: () => void;
  onMade: (job: Job) => void;
}

/** The question, while the files are on their way; one button makes the study. */
export function NewStudy({ upload, paths, onLeave, onMade }: Props) {
  const options = useOptions();
  const look = useAction(describe);
  const [found, setFound] = useState<Awaited<ReturnType<typeof describe>> | null>(null);
  const files = upload ? upload.files.map(({ name }) => name) : (paths ?? []);
  const taken = useStudies().data?.studies.map(({ id }) => id) ?? [];
  const form = useNewStudyForm(files, options.data, found, taken);
  const dropDrafts = useApp((state) => state.dropDrafts);
  const [made, setMade] = useState<string | null>(null);
  const job = useJobs().data?.find(({ id }) => id === made);
  const make = useAction(makeStudy, (started) => {
    setMade(started.id);
    onMade(started);
  });

  const id = upload?.id ?? null;
  const path = paths?.[0] ?? null;
  const { run: lookAt } = look;
  useEffect(() => {
    const source = id ? { upload: id } : path ? { paths: [path] } : null;
    if (source) void lookAt(source).then((description) => setFound(description ?? null));
  }, [id, path, lookAt]);
  useEffect(() => {
    if (job?.state === "done") dropDrafts(NEW_STUDY_DRAFTS);
  }, [job?.state, dropDrafts]);

  if (job && (job.state === "queued" || job.state === "running" || job.state === "done"))
    return <JobCard job={job} />;

  const problem = upload?.problem ?? look.problem ?? make.problem ?? job?.problem;
  const faults = found?.faults ?? [];
  const hasImages = (found?.images.length ?? 0) > 0;
  const submit = () => {
    const source = id ? { upload: id } : { paths: paths ?? [] };
    void make.run({ ...form.request(faults.length > 0), ...source });
  };

  return (
    <form
      className="stack wide"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className="page-head">
        <h1>{words.title}</h1>
        <span className="spacer" />
        <button type="button" className="button plain" onClick={onLeave}>
          {upload && !upload.id ? words.stop : text.cancel}
        </button>
      </div>
      <UploadStatus upload={upload} found={found} looking={look.busy} />
      {problem && <ProblemMessage problem={problem} />}
      {found && !hasImages && <Message tone="bad" title={words.noImages} />}
      {faults.length > 0 && (
        <Message tone="warn" title={`${words.faults}. ${words.skipBad}:`}>
          {faults.slice(0, 8).join("\n")}
        </Message>
      )}
      <Card>
        <Loaded query={options}>{(known) => <QuestionFields form={form} options={known} />}</Loaded>
      </Card>
      <Card>
        <ImageFields form={form} />
      </Card>
      <div className="row">
        <button
          type="submit"
          className="button primary big"
          disabled={!hasImages || !form.isSound || make.busy}
        >
          {words.go}
        </button>
        {!found && !problem && <span className="faint">{words.looking}</span>}
      </div>
    </form>
  );
}
