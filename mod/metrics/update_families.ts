/**
 * The update: phase, attempts, refusals, what came of them.
 *
 * @module
 */

import {
  compareVersions,
  type Ending,
  GATES,
  isVersion,
  PHASES,
  type UpdateState,
} from "../core/mod.ts";
import { choice, each, family, gauge, labelText, one, seconds } from "./_samples.ts";
import type { Family, Sample } from "./family.ts";
import { type NodeReading, PARTS } from "./node_reading.ts";

const ENDINGS: readonly Ending[] = ["success", "rolled_back"];

/** Health checks whose answers are shown; there are a handful of them. */
const MAX_CHECKS = 32;

/** The families `kubesolo_update_*`; what could not be read has no series. */
export function updateFamilies({ agent, state, version, problems }: NodeReading): Family[] {
  return [
    family("info", "kubesolo_update_build_info", "The agent, and the runtime in it.", [{
      labels: { ...agent },
      value: 1,
    }]),
    gauge(
      "kubesolo_update_state_readable",
      "1 where the state file can be read, or nothing has happened yet and there is none.",
      one(state !== undefined),
    ),
    gauge(
      "kubesolo_update_scrape_problem",
      "1 for each part that could not be read; its series are left out.",
      each("part", PARTS, (part) => problems[part] !== undefined),
    ),
    ...state ? [...lifeFamilies(state, version), ...outcomeFamilies(state)] : [],
  ];
}

/** Where the update stands, and what is there to be had. */
function lifeFamilies(state: UpdateState, version?: string): Family[] {
  const { offered, withheld, refusals, last_refusal } = state;
  const available = isAvailable(offered?.version, version);
  return [
    gauge(
      "kubesolo_update_phase",
      "1 for the phase that the update is in.",
      choice("phase", PHASES, state.phase),
    ),
    gauge(
      "kubesolo_update_phase_timestamp_seconds",
      "When the update last got on: a change of phase, or a mark in a download.",
      one(seconds(state.updated_at)),
      "seconds",
    ),
    gauge(
      "kubesolo_update_available",
      "1 where what a source offered last is newer than what runs; none where nobody knows.",
      // that the last offer runs says nothing of what is held back since
      one(withheld && !available ? undefined : available),
    ),
    gauge(
      "kubesolo_update_withheld",
      "1 where the source gave nothing for now when apply last asked it.",
      one(withheld !== undefined),
    ),
    family(
      "info",
      "kubesolo_update_offered_info",
      "What a source last offered when apply asked it.",
      offered ? [{ labels: { version: labelText(offered.version) }, value: 1 }] : [],
    ),
    gauge(
      "kubesolo_update_offered_timestamp_seconds",
      "When a source last answered apply, with that or with nothing for now.",
      one(seconds((withheld ?? offered)?.at)),
      "seconds",
    ),
    family(
      "counter",
      "kubesolo_update_attempts_total",
      "Downloads that were begun.",
      one(state.attempts_total ?? state.attempt_count),
    ),
    gauge(
      "kubesolo_update_last_attempt_timestamp_seconds",
      "When the last of them began.",
      one(seconds(state.started_at)),
      "seconds",
    ),
    family(
      "counter",
      "kubesolo_update_refusals_total",
      "Times that a gate refused an update.",
      each("gate", GATES, (gate) => refusals?.[gate] ?? 0),
    ),
    gauge(
      "kubesolo_update_refused",
      "1 for the gate that refused when apply was last run.",
      choice("gate", GATES, last_refusal?.gate),
    ),
  ];
}

/** How downloads, health checks and releases ended. */
function outcomeFamilies({ last_download, health, ledger }: UpdateState): Family[] {
  // the file is the agent's own, but two series of one name would cost the whole scrape
  const answers = new Map(
    health?.results.slice(0, MAX_CHECKS).map((result) => [labelText(result.name), result]),
  );
  const byCheck = (valueOf: (answer: { passed: boolean; milliseconds: number }) => number) =>
    [...answers].map(([check, answer]): Sample => ({ labels: { check }, value: valueOf(answer) }));
  return [
    gauge(
      "kubesolo_update_last_download_bytes",
      "Bytes that the source sent for the release that was last staged.",
      one(last_download?.bytes),
      "bytes",
    ),
    gauge(
      "kubesolo_update_last_download_seconds",
      "How long they took to come and to be written.",
      one(last_download?.seconds),
      "seconds",
    ),
    gauge(
      "kubesolo_update_health_check_passed",
      "What each health check last answered: of a trial, and otherwise when an answer was news.",
      byCheck(({ passed }) => Number(passed)),
    ),
    gauge(
      "kubesolo_update_health_check_duration_seconds",
      "How long that took.",
      byCheck(({ milliseconds }) => milliseconds / 1000),
      "seconds",
    ),
    gauge(
      "kubesolo_update_health_check_timestamp_seconds",
      "When that was.",
      one(seconds(health?.at)),
      "seconds",
    ),
    gauge(
      "kubesolo_update_ledger_entries",
      "Releases on the ledger, by how they ended; it keeps the last 64.",
      each(
        "outcome",
        ENDINGS,
        (ending) => ledger.filter(({ outcome }) => outcome === ending).length,
      ),
    ),
  ];
}

/** Undefined where the two cannot be compared. */
function isAvailable(offered: string | undefined, running?: string): boolean | undefined {
  if (offered === undefined) return false;
  if (running === undefined || !isVersion(running) || !isVersion(offered)) return undefined;
  return compareVersions(offered, running) > 0;
}
