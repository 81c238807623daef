/** Line icons, drawn here so that nothing is fetched. They only repeat what text beside them says. */
const PATHS = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4 4l8 8M12 4l-8 8",
  plus: "M8 3v10M3 8h10",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6L14 14",
  right: "M6 3.5L10.5 8 6 12.5",
  left: "M10 3.5L5.5 8l4.5 4.5",
  down: "M3.5 6L8 10.5 12.5 6",
  home: "M2.5 7.5L8 3l5.5 4.5V13h-11z",
  image: "M2.5 3.5h11v9h-11zM2.5 11l3.2-3.4 2.5 2.4 2-1.8 3.3 3",
  folder: "M2 4h4l1.5 1.8H14V13H2z",
  upload: "M8 10.5V2.5M5 5.5l3-3 3 3M2.5 10v3.5h11V10",
  download: "M8 2.5v8M5 7.5l3 3 3-3M2.5 11v2.5h11V11",
  play: "M5 3l7.5 5L5 13z",
  stop: "M4 4h8v8H4z",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.3 1.6",
  warn: "M8 2.2L14.5 13.5h-13zM8 6.5v3.2M8 11.4v.4",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.6M8 5v.3",
  question: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.2 6.3c.2-2 3.5-2 3.5.1 0 1.4-1.7 1.4-1.7 2.8M8 11.2v.3",
  jobs: "M2.5 4h7M2.5 8h11M2.5 12h5",
  settings:
    "M2 5h7M12 5h2M2 11h2M7 11h7M10.5 6.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6zM5.5 12.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z",
  theme: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  split: "M2.5 3h11v10h-11zM8 3v10",
  pencil: "M3 13l.6-2.8L11 2.8l2.2 2.2-7.4 7.4zM9.6 4.2l2.2 2.2",
  table: "M2.5 3h11v10h-11zM2.5 6.3h11M2.5 9.6h11M6.5 3v10",
  chart: "M3 13V8M7 13V3M11 13V6M2 13.5h12",
  report: "M4 2h6l2.5 2.5V14H4zM6 7h4.5M6 9.5h4.5M6 12h3",
  lock: "M4 7.5h8V14H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  refresh: "M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3",
  spark: "M8 2v4M8 10v4M2 8h4M10 8h4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
