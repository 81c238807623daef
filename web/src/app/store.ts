/** What the app itself knows: appearance, connection, messages, and what was typed but not sent. */
import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { Problem } from "../api/types";

export const THEMES = ["dark", "light", "colour-blind"] as const;
export type Theme = (typeof THEMES)[number];
export type Connection = "ok" | "lost";

export interface Notice {
  id: number;
  tone: "good" | "bad" | "info";
  title: string;
  detail?: string;
  action?: string;
}

interface State {
  theme: Theme;
  /** Name under which tiles are annotated where there are no accounts. */
  annotator: string;
  /** Whether tiles are annotated without seeing what candidates found. */
  blind: boolean;
  /** Text typed into forms and not sent yet, by form and field; survives reload. */
  drafts: Record<string, string>;
  connection: Connection;
  signedOut: boolean;
  paletteOpen: boolean;
  notices: Notice[];
  setTheme(theme: Theme): void;
  setAnnotator(name: string): void;
  setBlind(blind: boolean): void;
  setDraft(key: string, text: string): void;
  dropDrafts(prefix: string): void;
  setConnection(connection: Connection): void;
  setSignedOut(signedOut: boolean): void;
  setPalette(open: boolean): void;
  notify(notice: Omit<Notice, "id">): void;
  notifyProblem(problem: Problem): void;
  dismiss(id: number): void;
}

let lastNotice = 0;

export const useApp = create<State>()(
  persist(
    (set, get) => ({
      theme: "dark",
      annotator: "annotator",
      blind: false,
      drafts: {},
      connection: "ok",
      signedOut: false,
      paletteOpen: false,
      notices: [],
      setTheme: (theme) => set({ theme }),
      setAnnotator: (annotator) => set({ annotator }),
      setBlind: (blind) => set({ blind }),
      setDraft: (key, text) => set(({ drafts }) => ({ drafts: { ...drafts, [key]: text } })),
      dropDrafts: (prefix) =>
        set(({ drafts }) => ({
          drafts: Object.fromEntries(Object.entries(drafts).filter(([key]) => !key.startsWith(prefix))),
        })),
      // Every request says this, and every `set` is written to the browser's storage.
      setConnection: (connection) => {
        if (get().connection !== connection) set({ connection });
      },
      setSignedOut: (signedOut) => {
        if (get().signedOut !== signedOut) set({ signedOut });
      },
      setPalette: (paletteOpen) => set({ paletteOpen }),
      notify: (notice) =>
        set(({ notices }) => ({ notices: [...notices.slice(-3), { ...notice, id: ++lastNotice }] })),
      notifyProblem: ({ title, detail, action }) =>
        set(({ notices }) => ({
          notices: [...notices.slice(-3), { id: ++lastNotice, tone: "bad", title, detail, action }],
        })),
      dismiss: (id) => set(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) })),
    }),
    {
      name: "veriscope",
      partialize: ({ theme, annotator, blind, drafts }) => ({ theme, annotator, blind, drafts }),
    },
  ),
);

/** A text field whose content outlives reload and lost connection until `dropDrafts`. */
export function useDraft(key: string, initial = ""): [string, (text: string) => void] {
  const text = useApp((state) => state.drafts[key]) ?? initial;
  const setDraft = useApp((state) => state.setDraft);
  return [text, (next) => setDraft(key, next)];
}
