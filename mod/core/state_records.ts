/**
 * What the state keeps for those who watch: no flow decides by it, so a state without it is as good.
 *
 * @module
 */

import { count, duration, need, object, strings } from "./_shape.ts";
import type { HealthResult } from "./health_check.ts";

/** What a source last offered when `apply` asked one. */
export interface Offered {
  /** Version of the release. */
  readonly version: string;
  /** RFC 3339. */
  readonly at: string;
}

/** That a source gave nothing when `apply` last asked it, though there may be something. */
export interface Withholding {
  /** Why: the source's {@linkcode Withheld.withheld}. */
  readonly why: string;
  /** RFC 3339. */
  readonly at: string;
}

/** The last download that ended in a staged slot. */
export interface Download {
  /** Bytes that came from the source; what was in the slot already is not counted. */
  readonly bytes: number;
  /** How long they took to come and to be written. */
  readonly seconds: number;
  /** RFC 3339. */
  readonly at: string;
}

/** What the health checks answered. */
export interface Health {
  /** One answer for each check. */
  readonly results: readonly HealthResult[];
  /** RFC 3339. */
  readonly at: string;
}

/** The members of `state.json` that are only looked at. Agents before them left them out. */
export interface StateRecords {
  /** Starts of attempts at any version, ever. */
  readonly attempts_total?: number;
  /** Refusals by gate, ever. */
  readonly refusals?: Readonly<Record<string, number>>;
  /** What a source last offered. */
  readonly offered?: Offered;
  /** Where a source that was asked later gives nothing now; cleared when one answers with more. */
  readonly withheld?: Withholding;
  /** How the last download went. */
  readonly last_download?: Download;
  /** What the health checks last answered, as far as it was news: see {@linkcode healthNews}. */
  readonly health?: Health;
}

/** The refusals with one more. */
export function countRefusal(
  refusals: StateRecords["refusals"],
  gate: string,
): Readonly<Record<string, number>> {
  return { ...refusals, [gate]: (refusals?.[gate] ?? 0) + 1 };
}

/**
 * What is worth keeping of a health check that decides nothing: a no, and the yes after it. A node
 * that asks itself every minute, and is well, writes nothing.
 */
export function healthNews(
  kept: Health | undefined,
  results: readonly HealthResult[],
  at: Date,
): Health | undefined {
  const well = (answers: readonly HealthResult[]) =>
    answers.every(({ passed, wanted }) => passed || wanted);
  if (well(results) && well(kept?.results ?? [])) return undefined;
  return { results, at: at.toISOString() };
}

/**
 * Looks at the records in what may be a state.
 *
 * @throws {Error} naming the first member that is not what the agent writes.
 */
export function checkRecords(state: Record<string, unknown>): void {
  const { attempts_total, refusals, offered, withheld, last_download, health } = state;
  if (attempts_total !== undefined) count(attempts_total, "attempts_total");
  if (refusals !== undefined) {
    for (const [gate, times] of Object.entries(object(refusals, "refusals"))) {
      count(times, `refusals.${gate}`);
    }
  }
  if (offered !== undefined) strings(object(offered, "offered"), "offered", ["version", "at"]);
  if (withheld !== undefined) strings(object(withheld, "withheld"), "withheld", ["why", "at"]);
  if (last_download !== undefined) {
    const download = object(last_download, "last_download");
    strings(download, "last_download", ["at"]);
    count(download.bytes, "last_download.bytes");
    duration(download.seconds, "last_download.seconds");
  }
  if (health !== undefined) checkHealth(object(health, "health"));
}

function checkHealth(health: Record<string, unknown>): void {
  strings(health, "health", ["at"]);
  need(Array.isArray(health.results), "health.results");
  for (const result of health.results as unknown[]) {
    const one = object(result, "health.results");
    strings(one, "health.results", ["name"]);
    need(typeof one.passed === "boolean", "health.results.passed");
    duration(one.milliseconds, "health.results.milliseconds");
    count(one.tries, "health.results.tries");
    need(one.reason === undefined || typeof one.reason === "string", "health.results.reason");
  }
}
