/** How the app talks to its server: same origin, one header against forged requests, problems as errors. */
import { useApp } from "../app/store";
import type { Problem } from "./types";

/** What went wrong, in the server's words: title, detail, and what to do next. */
export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly etag: string | null = null,
  ) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
  }
  get status(): number {
    return this.problem.status;
  }
  /** Whether the server was not reached; trying again may help. */
  get isConnection(): boolean {
    return this.problem.status === 0;
  }
}

const NO_CONNECTION: Problem = {
  type: "about:blank",
  title: "The server cannot be reached",
  status: 0,
  detail: "What you typed is kept here.",
  action: "The app tries again by itself. If it stays so, check that `veriscope serve` still runs.",
};

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return {
    type: "about:blank",
    title: "The app made a mistake",
    status: -1,
    detail,
    action: "Reload the page. If it comes again, report it.",
  };
}

/** Send one request; a network failure or an error status is thrown as `ApiError`. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (init.method && init.method !== "GET" && init.method !== "HEAD") headers.set("X-Veriscope", "1");
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    useApp.getState().setConnection("lost");
    throw new ApiError(NO_CONNECTION);
  }
  useApp.getState().setConnection("ok");
  if (response.ok) return response;
  if (response.status === 401) useApp.getState().setSignedOut(true);
  throw new ApiError(await readProblem(response), response.headers.get("ETag"));
}

async function readProblem(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: "about:blank",
    title: `The server answered ${response.status}`,
    status: response.status,
    detail: response.statusText,
    action: "",
  };
  if (!response.headers.get("Content-Type")?.includes("json")) return fallback;
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await send(path, { signal })).json()) as T;
}

/** A value together with the version that a change must name. */
export interface Versioned<T> {
  value: T;
  etag: string | null;
}

export async function getVersioned<T>(path: string, signal?: AbortSignal): Promise<Versioned<T>> {
  const response = await send(path, { signal });
  return { value: (await response.json()) as T, etag: response.headers.get("ETag") };
}

export async function sendJson<T>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
  etag?: string | null,
): Promise<Versioned<T>> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-Match"] = etag;
  const response = await send(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { value: (text ? JSON.parse(text) : undefined) as T, etag: response.headers.get("ETag") };
}

/** An address under /api with its parts encoded: `api("studies", id, "images")`. */
export function api(...parts: string[]): string {
  return `/api/${parts.map(encodeURIComponent).join("/")}`;
}
