/** What the command palette offers, and how it is searched. */
import type { StudySummary } from "../api/types";
import { navigate, type Route, SCREENS, studyPath } from "./routes";
import { THEMES, useApp } from "./store";
import { text } from "./strings";

export interface Command {
  id: string;
  label: string;
  /** Study or part of the app that it belongs to. */
  place: string;
  run: () => void;
}

export function commandsFor(route: Route, studies: StudySummary[], canTrain: boolean): Command[] {
  const go = (id: string, label: string, place: string, href: string): Command => ({
    id,
    label,
    place,
    run: () => navigate(href),
  });
  const here = route.page === "study" ? route.study : null;
  const name = studies.find(({ id }) => id === here)?.name ?? here ?? "";
  const screens = SCREENS.filter((screen) => here !== null && (screen !== "train" || canTrain));
  return [
    ...screens.map((screen) =>
      go(`screen-${screen}`, text.screens[screen], name, studyPath(here ?? "", screen)),
    ),
    go("home", text.home.title, text.app, "/"),

    ...studies
      .filter(({ id, problem }) => id !== here && !problem)
      .map((study) => go(`study-${study.id}`, study.name, text.palette.study, studyPath(study.id))),
    go("jobs", text.screens.jobs, text.app, "/jobs"),
    go("settings", text.screens.settings, text.app, "/settings"),
    ...THEMES.map((theme) => ({
      id: `theme-${theme}`,
      label: text.settings.useTheme(text.settings.themes[theme]),
      place: text.screens.settings,
      run: () => useApp.getState().setTheme(theme),
    })),
  ];
}

/** Commands whose label or place has all typed words, those that begin so first. */
export function search(commands: Command[], typed: string): Command[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = commands.filter(({ label, place }) => {
    const all = `${label} ${place}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
  const first = words[0] ?? "";
  return fits.sort(
    (a, b) =>
      Number(b.label.toLowerCase().startsWith(first)) - Number(a.label.toLowerCase().startsWith(first)),
  );
}
