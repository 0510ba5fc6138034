/** What is not done before a certain time. */

import { FIRST_BACKOFF_HOURS, MAX_BACKOFF_HOURS, MAX_POLL_SECONDS } from "./limits.ts";
import type { Backoff } from "./notes.ts";

const HOUR_MS = 3_600_000;

/** When a server is asked again that wants to be asked after `interval` seconds; undefined: at any time. */
export function askAfter(interval = ""): string | undefined {
  const seconds = /^\d{1,9}$/.test(interval.trim()) ? Number(interval) : 0;
  return seconds > 0 ? inFuture(Math.min(seconds, MAX_POLL_SECONDS) * 1000) : undefined;
}

/** Whether it is too early to ask. */
export function isTooEarlyToAsk(after: string | undefined): boolean {
  return isAhead(after, MAX_POLL_SECONDS * 1000);
}

/** One failure more to fetch `payload`. */
export function backoffOf(payload: string, before: Backoff | undefined): Backoff {
  const failures = before?.payload === payload ? before.failures + 1 : 1;
  const hours = Math.min(FIRST_BACKOFF_HOURS * 2 ** (failures - 1), MAX_BACKOFF_HOURS);
  return { payload, failures, until: inFuture(hours * HOUR_MS) };
}

/** Whether it is too early to fetch `payload` again. */
export function isTooEarlyToFetch(payload: string, backoff: Backoff): boolean {
  return backoff.payload === payload && isAhead(backoff.until, MAX_BACKOFF_HOURS * HOUR_MS);
}

function inFuture(milliseconds: number): string {
  return new Date(Date.now() + milliseconds).toISOString();
}

/** What is further ahead than it can have been put was put there by a clock that was wrong. */
function isAhead(moment: string | undefined, most: number): boolean {
  const wait = moment === undefined ? 0 : Date.parse(moment) - Date.now();
  return wait > 0 && wait <= most;
}
