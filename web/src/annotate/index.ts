export { AnnotationEditor } from "./AnnotationEditor";
export type { AnnotationEditorProps, AnnotationUnit, Corners, Proposal, SavedTile } from "./types";
