export type {
  ColumnValues,
  RenderedView,
  SelectedObject,
  ViewerImage,
  ViewerLabels,
  ViewerProps,
} from "./types";
export { Viewer } from "./Viewer";
