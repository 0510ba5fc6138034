/**
 * The state as `state.json` has it.
 *
 * @module
 */

import { need, object, strings } from "./_shape.ts";
import { checkFloor } from "./floor.ts";
import { isPhase } from "./phases.ts";
import { isSlot } from "./slot.ts";
import type { UpdateState } from "./state.ts";
import { checkRecords } from "./state_records.ts";
import { isVersion } from "./version.ts";

/** The text of `state.json`. */
export function formatState(state: UpdateState): string {
  return `${JSON.stringify(state, null, 2)}\n`;
}

/**
 * The state in `text`.
 *
 * @throws {Error} naming the first member that is not what {@linkcode formatState} writes.
 */
export function parseState(text: string): UpdateState {
  const value: unknown = JSON.parse(text);
  const state = object(value, "the state");
  need(isPhase(state.phase), "phase");
  need(isPhase(state.resting), "resting");
  need(
    Number.isSafeInteger(state.attempt_count) && Number(state.attempt_count) >= 0,
    "attempt_count",
  );
  for (
    const name of [
      "from_version",
      "to_version",
      "attempt_id",
      "last_error",
      "started_at",
      "updated_at",
      "clock_shown",
    ]
  ) {
    need(state[name] === undefined || typeof state[name] === "string", name);
  }
  if (state.candidate !== undefined) checkCandidate(object(state.candidate, "candidate"));
  if (state.download !== undefined) {
    const download = object(state.download, "download");
    strings(download, "download", ["sha256"]);
    need(Number.isSafeInteger(download.bytes) && Number(download.bytes) >= 0, "download.bytes");
  }
  if (state.last_refusal !== undefined) {
    strings(object(state.last_refusal, "last_refusal"), "last_refusal", [
      "gate",
      "wanted",
      "found",
      "at",
    ]);
  }
  checkSlots(object(state.slots, "slots"));
  need(Array.isArray(state.ledger), "ledger");
  for (const entry of state.ledger as unknown[]) {
    const one = object(entry, "ledger");
    strings(one, "ledger", ["digest", "version", "reason", "at"]);
    need(one.outcome === "success" || one.outcome === "rolled_back", "ledger.outcome");
    need(Number.isSafeInteger(one.attempts), "ledger.attempts");
  }
  if (state.floor !== undefined) checkFloor(state.floor, "floor");
  checkRecords(state);
  return value as UpdateState;
}

function checkCandidate(candidate: Record<string, unknown>): void {
  strings(candidate, "candidate", ["digest", "version", "boot_id"]);
  need(isSlot(candidate.slot), "candidate.slot");
  need(Number.isSafeInteger(candidate.boots), "candidate.boots");
  need(
    candidate.failed_checks === undefined || Number.isSafeInteger(candidate.failed_checks),
    "candidate.failed_checks",
  );
  need(
    candidate.min_allowed_version === undefined ||
      (typeof candidate.min_allowed_version === "string" &&
        isVersion(candidate.min_allowed_version)),
    "candidate.min_allowed_version",
  );
  need(
    candidate.signed_by === undefined ||
      (Array.isArray(candidate.signed_by) &&
        candidate.signed_by.every((key) => typeof key === "string")),
    "candidate.signed_by",
  );
  for (const name of ["last_boot_id", "unhealthy"]) {
    need(
      candidate[name] === undefined || typeof candidate[name] === "string",
      `candidate.${name}`,
    );
  }
}

function checkSlots(slots: Record<string, unknown>): void {
  for (const [slot, written] of Object.entries(slots)) {
    need(isSlot(slot), `slots.${slot}`);
    const one = object(written, `slots.${slot}`);
    strings(one, `slots.${slot}`, ["version", "digest", "at"]);
    need(Array.isArray(one.artifacts), `slots.${slot}.artifacts`);
    for (const artifact of one.artifacts as unknown[]) {
      const file = object(artifact, `slots.${slot}.artifacts`);
      strings(file, `slots.${slot}.artifacts`, ["name", "sha256"]);
      need(
        file.size === undefined || Number.isSafeInteger(file.size),
        `slots.${slot}.artifacts.size`,
      );
    }
  }
}
