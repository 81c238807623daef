/** Names under which answers of the server are remembered. All of a study begin with its `study` key. */
export const keys = {
  session: () => ["session"] as const,
  options: () => ["options"] as const,
  folders: (path: string) => ["folders", path] as const,
  jobs: () => ["jobs"] as const,
  studies: () => ["studies"] as const,
  study: (study: string) => ["study", study] as const,
  of: (study: string, ...what: unknown[]) => ["study", study, ...what] as const,
};
