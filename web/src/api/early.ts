/** Answers that were asked for before the code that needs them was there; each is given once. */
import { send } from "./client";

const asked = new Map<string, Promise<Response>>();

export function askEarly(path: string): void {
  if (asked.has(path)) return;
  const answer = send(path);
  // Who takes it is told of a failure; nobody else needs to know.
  answer.catch(() => undefined);
  asked.set(path, answer);
}

/** Asks, unless that was done already. */
export function sendOrTake(path: string, signal?: AbortSignal): Promise<Response> {
  const answer = asked.get(path);
  asked.delete(path);
  return answer ?? send(path, { signal });
}
