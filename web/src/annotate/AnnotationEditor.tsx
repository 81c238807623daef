import type { AnnotationEditorProps } from "./types";

/** Annotates one tile of the audit. */
export function AnnotationEditor({ unit }: AnnotationEditorProps) {
  return <section aria-label={unit.unit} />;
}
