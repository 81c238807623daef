/** What the server says and is told; the names are those of its schema. */
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Audit = Schemas["Audit"];
export type CandidateImage = Schemas["CandidateImage"];
export type CandidateRow = Schemas["CandidateRow"];
export type Description = Schemas["Description"];
export type Estimate = Schemas["Estimate"];
export type Fault = Schemas["Fault"];
export type FolderListing = Schemas["FolderListing"];
export type Histogram = Schemas["Histogram"];
export type ImageChange = Schemas["ImageChange"];
export type ImageList = Schemas["ImageList"];
export type ImageRow = Schemas["ImageRow"];
export type Job = Schemas["Job"];
export type LiveEstimate = Schemas["LiveEstimate"];
export type MethodCard = Schemas["MethodCard"];
export type Network = Schemas["Network"];
export type NextStep = Schemas["NextStep"];
export type ObjectHistogram = Schemas["ObjectHistogram"];
export type ObjectPage = Schemas["ObjectPage"];
export type Options = Schemas["Options"];
export type PlateLayout = Schemas["PlateLayout"];
export type OtherCandidate = Schemas["OtherCandidate"];
export type Problem = Schemas["Problem"];
export type Quality = Schemas["Quality"];
export type QuestionEffect = Schemas["QuestionEffect"];
export type QuestionForm = Schemas["QuestionForm"];
export type RankedTile = Schemas["RankedTile"];
export type RankedTiles = Schemas["RankedTiles"];
export type Reason = Schemas["Reason"];
export type ReportState = Schemas["ReportState"];
export type SegmentedObject = Schemas["SegmentedObject"];
export type Segmenter = Schemas["Segmenter"];
export type Session = Schemas["Session"];
export type Step = Schemas["Step"];
export type StudyDetail = Schemas["StudyDetail"];
export type StudyList = Schemas["StudyList"];
export type StudySummary = Schemas["StudySummary"];
export type Unit = Schemas["Unit"];
export type UnitDetail = Schemas["UnitDetail"];
export type Upload = Schemas["Upload"];
export type UploadFile = Schemas["UploadFile"];
export type Verdict = Schemas["Verdict"];
export type VerdictSummary = Schemas["VerdictSummary"];

/** A request: what the server has a default for may be left out. */
type Asked<Body, Needed extends keyof Body> = Partial<Body> & Pick<Body, Needed>;
export type QuestionRequest = Asked<Schemas["QuestionRequest"], "object" | "measure">;
export type SegmentRequest = Asked<Schemas["SegmentRequest"], "segmenter">;
export type NewStudyRequest = Asked<Schemas["NewStudyRequest"], "folder">;

/** Evidence files may hold more than the schema names; this is what the app reads of it. */
export type Interval = Schemas["Interval"] & { level?: number | null };
export type Contrast = Schemas["Contrast"] & {
  kind: "difference" | "ratio";
  scope?: "replicates" | "images";
  level?: number;
  p_value?: number | null;
  status?: "ok" | "cannot-tell";
  evidence?: Evidence;
};
export type GroupEstimate = Schemas["GroupEstimate"];
export type AuditAgreement = Schemas["Agreement"];
export type Answer = Schemas["AnswerDocument"];
export type ObjectColumn = Schemas["ColumnInfo"];

export type Evidence = Quality["evidence"];
export type QualityFlag = Quality["flags"][number];

export type Cell = number | string | boolean | null;
