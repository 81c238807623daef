/** The way from images to report: what each step has reached, and which comes next. */
import type { Job, NextStep, StudyDetail } from "../api/types";
import { type Screen, studyPath } from "./routes";
import { text } from "./strings";

export type StepState = "done" | "next" | "waiting" | "stale" | "running";
export interface PathStep {
  screen: Screen;
  label: string;
  state: StepState;
  detail: string;
}

/** Steps of the server behind each screen of the app. */
const BEHIND: Record<Exclude<Screen, "images" | "train">, string[]> = {
  candidates: ["run"],
  audit: ["draw", "annotate"],
  answer: ["validate"],
  report: ["report"],
};
const SCREEN_OF_JOB: Record<string, Screen> = {
  run: "candidates",
  validate: "answer",
  report: "report",
  train: "train",
};
const SCREEN_OF_NEXT: Record<NextStep["step"], Screen> = {
  run: "candidates",
  draw: "audit",
  annotate: "audit",
  validate: "answer",
  more: "audit",
  improve: "candidates",
  report: "report",
  done: "report",
};

/** State of the steps that stand behind a screen: what is to do comes before what is done. */
function joined(states: StepState[]): StepState {
  for (const state of ["next", "stale"] as const) if (states.includes(state)) return state;
  return states.length > 0 && states.every((state) => state === "done") ? "done" : "waiting";
}

export function pathOf(study: StudyDetail, jobs: Job[]): PathStep[] {
  const active = new Set(
    jobs
      .filter((job) => job.study === study.id && (job.state === "running" || job.state === "queued"))
      .map((job) => SCREEN_OF_JOB[job.kind]),
  );
  const images: PathStep = {
    screen: "images",
    label: text.screens.images,
    state: study.n_images > 0 ? "done" : "next",
    detail: text.count.images(study.n_images),
  };
  const others = Object.entries(BEHIND).map(([screen, behind]): PathStep => {
    const steps = study.steps.filter(({ step }) => behind.includes(step));
    const shown = steps.find(({ state }) => state !== "done") ?? steps.at(-1);
    const state = active.has(screen as Screen) ? "running" : joined(steps.map((step) => step.state));
    const detail = state === "running" ? text.path.running : (shown?.text ?? "");
    return { screen: screen as Screen, label: text.screens[screen as Screen], state, detail };
  });
  return [images, ...others];
}

/** Where the next thing to do is, or null when all is done or the study cannot be read. */
export function nextOf(
  study: StudyDetail,
): { href: string; label: string; screen: Screen; why: string } | null {
  if (!study.next || study.next.step === "done") return null;
  const screen = SCREEN_OF_NEXT[study.next.step];
  const { step, tiles } = study.next;
  const label = step === "more" && tiles ? text.path.moreTiles(tiles) : text.path.next[step];
  return { href: studyPath(study.id, screen), label, screen, why: study.next.text };
}
