/** A question as the server writes it, taken apart into the fields of its form, and put together again. */
import type { Options, QuestionForm, QuestionRequest } from "../../api/types";
import { measureText, positive } from "../home/useNewStudyForm";

export interface Asked {
  object: string;
  measure: string;
  column: string;
  side: string;
  threshold: string;
  tolerance: string;
  level: string;
}

const FRACTION = /^fraction:\s*([\w-]+)\s*([<>])\s*(.+)$/;

/** Percent of a share as a person would type it: 5, not 5.000000000000001. */
function percentText(share: number): string {
  return String(Number((share * 100).toPrecision(10)));
}

export function askedOf(question: QuestionForm, options: Options): Asked {
  const fraction = FRACTION.exec(question.measure);
  const side = fraction?.[2] ?? ">";
  const known = options.measures.some(({ key }) => key === question.measure);
  const measure = known
    ? question.measure
    : fraction
      ? `fraction:COLUMN${side}VALUE`
      : question.measure.startsWith("mean:")
        ? "mean:COLUMN"
        : question.measure;
  return {
    object: question.object,
    measure,
    column: fraction?.[1] ?? (question.measure.startsWith("mean:") ? question.measure.slice(5) : "area"),
    side,
    threshold: fraction?.[3] ?? "",
    tolerance: question.tolerance === null ? "" : percentText(question.tolerance),
    level: percentText(question.level),
  };
}

/** What is wrong with typed values, by field; nothing where all are sound. */
export function faultsOf(asked: Asked): { tolerance: boolean; level: boolean; threshold: boolean } {
  const tolerance = positive(asked.tolerance);
  const level = positive(asked.level);
  return {
    tolerance: asked.tolerance.trim() !== "" && (tolerance === null || tolerance > 100),
    level: level === null || level <= 50 || level >= 100,
    threshold: asked.measure.startsWith("fraction:") && !Number.isFinite(Number.parseFloat(asked.threshold)),
  };
}

export function requestOf(asked: Asked): QuestionRequest {
  const tolerance = positive(asked.tolerance);
  return {
    object: asked.object.trim() || "object",
    measure: measureText(asked.measure, asked.column.trim(), asked.side, asked.threshold.trim()),
    tolerance: tolerance === null ? null : tolerance / 100,
    level: (positive(asked.level) ?? 90) / 100,
  };
}
