import type { ToolName } from "../tools/types";

/** Line drawings of the tools; the name stands beside each. */
const PATHS: Record<ToolName | "undo" | "redo", string> = {
  pan: "M10 2v16M2 10h16M10 2l-2.4 2.4M10 2l2.4 2.4M10 18l-2.4-2.4M10 18l2.4-2.4M2 10l2.4-2.4M2 10l2.4 2.4M18 10l-2.4-2.4M18 10l-2.4 2.4",
  pick: "M5 3l10 7-4.6 1L13 16l-2 1-2.4-5L5 15z",
  brush:
    "M16.5 3.5c-3 .8-7.5 5-8.5 7.5l1.8 1.8c2.5-1 6.7-5.5 7.5-8.5zM7.4 11.6c-2 .2-2.8 1.6-3 3.2-.1.9-.6 1.6-1.4 2 2.8.7 5.9-.4 6.2-3.4z",
  erase: "M11.5 3.5l5 5-7.5 8H6l-3-3zM7 8.5l5 5M9 16.5h8",
  polygon: "M10 3l7 5-2.5 8h-9L3 8zM10 3h.01M17 8h.01M3 8h.01",
  lasso:
    "M5 13c-2-1.5-2.6-4-1-6.2C6 4 10.500 3 14 4.200s4 4.500 2 6.600-5.500 3-9 2.200c-1.500-.3-2.200 2 0 2.200 1.500 0 1.500 1.800 0 1.800",
  fill: "M8 3l7.500 7.500-6 6-6-6 5.500-5.500M3.500 10.500h12M17 13c1 1.600 1.200 2.200 1.200 2.800a1.200 1.200 0 0 1-2.400 0c0-.6.2-1.200 1.200-2.800z",
  "click-segment":
    "M10 2.500v3M10 14.500v3M2.500 10h3M14.500 10h3M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10 10h.01",
  model:
    "M2.500 6V3.500H5M15 3.500h2.500V6M17.500 14v2.500H15M5 16.500H2.500V14M10 6.200l1 2.800 2.800 1-2.800 1-1 2.800-1-2.800-2.800-1 2.800-1z",
  split:
    "M4 6.500C4 4.500 6 3.500 8 4l1 12c-3 .8-5-1.500-5-4zM12 4c3-.8 4.500 1 4.500 3.500v5C16.500 15 14.500 16.500 13 16zM10.500 2l-.8 16",
  merge: "M7 6a4 4 0 1 0 0 8M13 6a4 4 0 1 1 0 8M7 10h6M10.500 7.500L13 10l-2.500 2.500",
  delete: "M4 5.500h12M8 5.500V3.500h4v2M5.500 5.500l.8 11h7.400l.8-11M8.500 8.500v5M11.500 8.500v5",
  undo: "M4 8.500h8a4 4 0 0 1 0 8H8M4 8.500l3.500-3.500M4 8.500L7.500 12",
  redo: "M16 8.500H8a4 4 0 0 0 0 8h4M16 8.500L12.500 5M16 8.500L12.500 12",
};

export function ToolIcon({ tool }: { tool: keyof typeof PATHS }) {
  return (
    <svg
      width={20}
      height={20}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[tool]} />
    </svg>
  );
}
