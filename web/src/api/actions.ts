/** What screens tell the server to do. */
import { api, send, sendJson, type Versioned } from "./client";
import { keys } from "./keys";
import { queryClient } from "./queries";
import type {
  Audit,
  CandidateRow,
  Description,
  ImageChange,
  ImageList,
  Job,
  NewStudyRequest,
  QuestionEffect,
  QuestionRequest,
  Session,
  StudyDetail,
} from "./types";

/** Put a new job into the list at once, without waiting for the server's event. */
function remember(job: Job): Job {
  queryClient.setQueryData<Job[]>(keys.jobs(), (jobs) => [
    job,
    ...(jobs ?? []).filter(({ id }) => id !== job.id),
  ]);
  return job;
}

export async function signIn(body: { token: string } | { user: string; password: string }): Promise<Session> {
  return (await sendJson<Session>("POST", api("session"), body)).value;
}

export async function signOut(): Promise<void> {
  await sendJson("DELETE", api("session"));
}

export async function describe(body: { upload: string } | { paths: string[] }): Promise<Description> {
  return (await sendJson<Description>("POST", api("describe"), body)).value;
}

export async function makeStudy(body: NewStudyRequest): Promise<Job> {
  return remember((await sendJson<Job>("POST", api("studies"), body)).value);
}

export async function startDemo(): Promise<Job> {
  return remember((await sendJson<Job>("POST", api("demo"), {})).value);
}

export async function previewQuestion(study: string, asked: QuestionRequest): Promise<QuestionEffect> {
  const path = api("studies", study, "question", "preview");
  return (await sendJson<QuestionEffect>("POST", path, asked)).value;
}

export async function changeQuestion(study: string, version: string, asked: QuestionRequest): Promise<void> {
  const { value } = await sendJson<StudyDetail>("PUT", api("studies", study, "question"), asked, version);
  queryClient.setQueryData(keys.study(study), value);
  void queryClient.invalidateQueries({ queryKey: keys.study(study) });
}

export async function addCandidate(study: string, method: string): Promise<void> {
  const { value } = await sendJson<CandidateRow[]>("POST", api("studies", study, "candidates"), { method });
  queryClient.setQueryData(keys.of(study, "candidates"), value);
  void queryClient.invalidateQueries({ queryKey: keys.study(study) });
}

export type JobRequest =
  | { kind: "run"; only?: string[] }
  | { kind: "validate"; method?: string }
  | { kind: "report"; method?: string }
  | { kind: "train"; start?: string; tune: "all" | "head" | "lora"; minutes: number };

export async function startJob(study: string, body: JobRequest): Promise<Job> {
  return remember((await sendJson<Job>("POST", api("studies", study, "jobs"), body)).value);
}

export async function cancelJob(job: string): Promise<Job> {
  return remember((await sendJson<Job>("DELETE", api("jobs", job))).value);
}

function keepImages(study: string, answer: Versioned<ImageList>): void {
  queryClient.setQueryData(keys.of(study, "images"), answer);
  void queryClient.invalidateQueries({ queryKey: keys.study(study), exact: true });
}

export async function changeImages(
  study: string,
  etag: string | null,
  changes: ImageChange[],
): Promise<void> {
  keepImages(study, await sendJson<ImageList>("PATCH", api("studies", study, "images"), { changes }, etag));
}

export async function sendSheet(study: string, etag: string | null, csv: string): Promise<void> {
  const headers: Record<string, string> = {
    "Content-Type": "text/csv",
    ...(etag ? { "If-Match": etag } : {}),
  };
  const response = await send(api("studies", study, "images", "sheet"), {
    method: "PUT",
    headers,
    body: csv,
  });
  keepImages(study, { value: (await response.json()) as ImageList, etag: response.headers.get("ETag") });
}

export async function drawTiles(
  study: string,
  body: { tiles: number } | { more: number } | { training: number } | { everything: true },
): Promise<void> {
  const { value } = await sendJson<Audit>("POST", api("studies", study, "audit", "draw"), body);
  queryClient.setQueryData(keys.of(study, "audit"), value);
  void queryClient.invalidateQueries({ queryKey: keys.study(study) });
}
