/** What the server says and is told; the names are those of its schema. */
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Description = Schemas["Description"];
export type Fault = Schemas["Fault"];
export type FolderListing = Schemas["FolderListing"];
export type Histogram = Schemas["Histogram"];
export type ImageChange = Schemas["ImageChange"];
export type ImageList = Schemas["ImageList"];
export type ImageRow = Schemas["ImageRow"];
export type Job = Schemas["Job"];
export type MethodCard = Schemas["MethodCard"];
export type NextStep = Schemas["NextStep"];
export type Options = Schemas["Options"];
export type PlateLayout = Schemas["PlateLayout"];
export type Problem = Schemas["Problem"];
export type Quality = Schemas["Quality"];
export type QuestionForm = Schemas["QuestionForm"];
export type Session = Schemas["Session"];
export type Step = Schemas["Step"];
export type StudyDetail = Schemas["StudyDetail"];
export type StudyList = Schemas["StudyList"];
export type StudySummary = Schemas["StudySummary"];
export type Upload = Schemas["Upload"];
export type UploadFile = Schemas["UploadFile"];
export type VerdictSummary = Schemas["VerdictSummary"];

/** A request: what the server has a default for may be left out. */
type Asked<Body, Needed extends keyof Body> = Partial<Body> & Pick<Body, Needed>;
export type NewStudyRequest = Asked<Schemas["NewStudyRequest"], "folder">;

export type Evidence = Quality["evidence"];
export type QualityFlag = Quality["flags"][number];

export interface Interval {
  value: number | null;
  low: number | null;
  high: number | null;
  level?: number | null;
}
export interface CandidateRow {
  id: string;
  method: string;
  parameters: Record<string, unknown>;
  card: MethodCard | null;
  needs_training: boolean;
  state: "not-run" | "partial" | "current" | "stale" | "unavailable";
  why: string;
  n_images_done: number;
  n_images: number;
  n_objects: number | null;
  seconds_per_image: number | null;
  megapixels_per_second: number | null;
  cost: Record<string, number | null> | null;
  metrics: Record<string, Interval> | null;
  rank: number | null;
  tied_with: string[];
  outside_domain: string[];
  evidence: Evidence;
}
export interface CandidateImage {
  id: string;
  state: string;
  n_objects: number | null;
  seconds: number | null;
  labels: string | null;
}
export interface Unit {
  unit: string;
  image_id: string;
  group: string;
  replicate: string;
  roles: string[];
  n_draws: number;
  box: [number, number, number, number];
  context: [number, number, number, number];
  state: "open" | "started" | "annotated";
  annotators: {
    annotator: string;
    version: number;
    saved: string;
    n_objects: number;
    seconds: number | null;
  }[];
}
export interface UnitDetail extends Unit {
  image: ImageRow;
  shape: [number, number];
  proposals: { candidate: string; n_objects: number; evidence: Evidence }[];
  shown: { candidate: string; annotator: string; time: string }[];
  previous: string | null;
  next: string | null;
}
export interface RoleSummary {
  n_drawn: number;
  n_distinct: number;
  n_annotated: number;
  by_group: Record<string, unknown>;
}
export interface Audit {
  drawn: boolean;
  roles: { audit: RoleSummary; training: RoleSummary; census: RoleSummary };
  units: Unit[];
  margin: number;
  groups: string[];
  suggested_tiles: number;
}
export interface GroupEstimate {
  group: string;
  estimate: number | null;
  low: number | null;
  high: number | null;
  level: number;
  estimator: string;
  n_tiles_audited: number | null;
  n_draws: number | null;
  n_images: number | null;
  n_replicates: number | null;
  naive: number | null;
  labelled_only: { estimate: number | null; low: number | null; high: number | null } | null;
  status: "ok" | "cannot-tell";
  reason: string | null;
  extra_tiles_needed: number | null;
  assumptions: string[];
  evidence: Evidence;
}
export interface Contrast {
  group_a: string;
  group_b: string;
  kind: "difference" | "ratio";
  scope: "replicates" | "images";
  estimate: number | null;
  low: number | null;
  high: number | null;
  p_value: number | null;
  p_adjusted: number | null;
  level: number;
  status: "ok" | "cannot-tell";
  reason: string | null;
  assumptions: string[];
  evidence?: Evidence;
}
export interface LiveEstimate {
  method: string;
  n_counted: number;
  n_annotated: number;
  groups: GroupEstimate[];
  tolerance: number | null;
  enough: boolean;
  text: string;
  extra_tiles_needed: number | null;
  evidence: Evidence;
}
export interface AuditAgreement {
  annotators: string[];
  pairs: {
    a: string;
    b: string;
    n_units: number;
    f1: Interval;
    count_difference: number | Interval | null;
    units: { unit: string; n_a: number; n_b: number; matched: number }[];
  }[];
  text: string;
  evidence: Evidence;
}
export interface Reason {
  key?: string;
  check?: string;
  status: "holds" | "fails" | "cannot-tell";
  text: string;
  value?: number | null;
  threshold?: number | null;
  figure?: string;
}
export interface Verdict {
  verdict: string;
  text: string;
  reasons: Reason[];
  method: string | null;
  evidence: Evidence;
}
export interface Estimate {
  groups: GroupEstimate[];
  contrasts: Contrast[];
  question: Record<string, unknown>;
  method: string;
  chosen_by?: string;
  contrast_unit: string;
}
export interface Answer {
  stale: boolean;
  stale_text: string;
  validation: Record<string, unknown>;
  estimate: Estimate;
  verdict: Verdict;
  evidence: Evidence;
}
export interface RankedTile {
  unit: string;
  image_id: string;
  group: string;
  box: [number, number, number, number];
  f1: number | null;
  n_reference: number;
  n_prediction: number;
  matched: number;
  crop: string;
}
export interface RankedTiles {
  total: number;
  tiles: RankedTile[];
  candidate: string;
  evidence: Evidence;
}
export type Cell = number | string | boolean | null;
export interface ObjectColumn {
  name: string;
  type: string;
  unit: string;
  description: string;
}
export interface ObjectPage {
  candidate: string;
  total: number;
  matching: number;
  columns: ObjectColumn[];
  rows: Cell[][];
  evidence: Evidence;
}
export interface ObjectHistogram {
  column: string;
  unit: string;
  edges: number[];
  series: { group: string; counts: number[] }[];
  n_missing: number;
  evidence: Evidence;
}
export interface ReportState {
  exists: boolean;
  stale: boolean;
  html: string | null;
  download: string | null;
  record: string | null;
  written: string | null;
}
