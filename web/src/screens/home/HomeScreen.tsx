import { useState } from "react";
import { startDemo } from "../../api/actions";
import { useJobs, useSession, useStudies } from "../../api/queries";
import type { Job } from "../../api/types";
import type { NamedFile } from "../../api/uploads";
import { useAction } from "../../api/useAction";
import { navigate, studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { JobCard } from "../../ui/JobCard";
import { Loaded } from "../../ui/Loaded";
import { ProblemMessage } from "../../ui/Message";
import { DropZone } from "./DropZone";
import { FolderPicker } from "./FolderPicker";
import { NewStudy } from "./NewStudy";
import { StudyCard } from "./StudyCard";
import { useOpenWhenMade } from "./useOpenWhenMade";
import { useUpload } from "./useUpload";

/** Name that the server gives to the demo's folder. */
const DEMO = "demo";

/** Studies of this workspace, and how to begin one: drop, choose, or try the demo. */
export function HomeScreen() {
  const upload = useUpload();
  const [paths, setPaths] = useState<string[] | null>(null);
  const [picking, setPicking] = useState(false);
  const jobs = (useJobs().data ?? []).filter(isMaking);
  const studies = useStudies();
  const session = useSession().data;
  const follow = useOpenWhenMade();
  const demo = useAction(startDemo, (job) => follow(job.id));
  const hasDemo = studies.data?.studies.some(({ id, verdict }) => id === DEMO && verdict !== null) ?? false;
  const mayMake = session?.role === "owner";

  const begin = (files: NamedFile[]) => {
    setPaths(null);
    void upload.start(files);
  };
  const leave = () => {
    upload.clear();
    setPaths(null);
  };

  if (upload.state || paths)
    return (
      <div className="page narrow">
        <NewStudy upload={upload.state} paths={paths} onLeave={leave} onMade={(job) => follow(job.id)} />
      </div>
    );

  const start = (isEmpty: boolean) =>
    mayMake && (
      <DropZone big={isEmpty} onFiles={begin}>
        {session?.capabilities.server_paths && (
          <button type="button" className="button" onClick={() => setPicking(true)}>
            <Icon name="folder" /> {text.home.server}
          </button>
        )}
        <button
          type="button"
          className={`button${isEmpty ? " primary" : ""}`}
          disabled={demo.busy || jobs.some(({ kind }) => kind === "demo")}
          onClick={() => (hasDemo ? navigate(studyPath(DEMO, "answer")) : demo.run())}
          title={text.home.demoDetail}
        >
          <Icon name="play" /> {hasDemo ? text.home.openDemo : text.home.demo}
        </button>
      </DropZone>
    );

  return (
    <div className="page">
      {demo.problem && <ProblemMessage problem={demo.problem} />}
      {jobs.map((job) => (
        <JobCard key={job.id} job={job} />
      ))}
      <Loaded query={studies} lines={2}>
        {({ studies: all, workspace, single }) => (
          <>
            <div className="page-head">
              <h1>{all.length ? text.home.title : text.home.empty}</h1>
              <span className="spacer" />
              {all.length > 0 && <span className="faint small">{text.home.workspace(workspace)}</span>}
              {all.length === 0 && <p>{text.home.emptyDetail}</p>}
            </div>
            {!single && start(all.length === 0)}
            <div className="study-grid">
              {all.map((study) => (
                <StudyCard key={study.id} study={study} />
              ))}
            </div>
          </>
        )}
      </Loaded>
      {picking && (
        <FolderPicker
          onClose={() => setPicking(false)}
          onPick={(path) => {
            setPicking(false);
            setPaths([path]);
          }}
        />
      )}
    </div>
  );
}

function isMaking(job: Job): boolean {
  return (job.kind === "new" || job.kind === "demo") && (job.state === "queued" || job.state === "running");
}
