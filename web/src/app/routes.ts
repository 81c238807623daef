/** Addresses of the app. The path of the address says where one is, so that reload, back and links work. */
import { type MouseEvent, useSyncExternalStore } from "react";

export const SCREENS = ["images", "candidates", "audit", "answer", "report", "train"] as const;
export type Screen = (typeof SCREENS)[number];

export type Route =
  | { page: "home" | "jobs" | "settings" | "lost" }
  | { page: "study"; study: string; screen: Screen; item: string | null; query: URLSearchParams };

/** Read an address such as `/studies/a/audit/a01_tile003`. */
export function parseRoute(pathname: string, search = ""): Route {
  const [first, study, screen = "images", ...rest] = pathname.split("/").filter(Boolean).map(safeDecode);
  if (first === undefined) return { page: "home" };
  if ((first === "jobs" || first === "settings") && study === undefined) return { page: first };
  const known = SCREENS.find((name) => name === screen);
  if (first !== "studies" || study === undefined || known === undefined) return { page: "lost" };
  const item = rest.length ? rest.join("/") : null;
  return { page: "study", study, screen: known, item, query: new URLSearchParams(search) };
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Address of a screen of a study, and of one image or tile on it. */
export function studyPath(
  study: string,
  screen: Screen = "images",
  item?: string | null,
  query?: Record<string, string | string[]>,
): string {
  const parts = ["studies", study, screen, ...(item ? [item] : [])].map(encodeURIComponent);
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {}))
    for (const one of [value].flat()) search.append(key, one);
  return `/${parts.join("/")}${search.size ? `?${search}` : ""}`;
}

const CHANGED = "veriscope:navigate";

export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  dispatchEvent(new Event(CHANGED));
}

function subscribe(heard: () => void): () => void {
  addEventListener("popstate", heard);
  addEventListener(CHANGED, heard);
  return () => {
    removeEventListener("popstate", heard);
    removeEventListener(CHANGED, heard);
  };
}

export function useRoute(): Route {
  const address = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const cut = address.indexOf("?");
  return cut < 0 ? parseRoute(address) : parseRoute(address.slice(0, cut), address.slice(cut));
}

/** Follow a link inside the app, unless it is to open elsewhere. */
export function follow(event: MouseEvent<HTMLAnchorElement>): void {
  const { href, target } = event.currentTarget;
  const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0;
  if (elsewhere || (target && target !== "_self") || new URL(href).origin !== location.origin) return;
  event.preventDefault();
  navigate(href.slice(location.origin.length));
}
