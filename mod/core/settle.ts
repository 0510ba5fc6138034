/**
 * What happened since the agent last ran: reboots leave no message, only facts.
 *
 * @module
 */

import { BOOT_ATTEMPTS, type BootStatus } from "./boot_env.ts";
import type { Boot, Slot } from "./slot.ts";
import { type Candidate, move, record, type UpdateState } from "./state.ts";

/** The state as the facts show it, and what a person should hear of. */
export interface Settled {
  /** The state as the facts show it. */
  readonly state: UpdateState;
  /** What a person should hear of, one line each. */
  readonly notices: readonly string[];
  /** The boot loader came back from the candidate, and this is the first to notice. */
  readonly rolledBack: boolean;
}

/**
 * Compares what was left behind with what was booted. Pure: the caller saves the state.
 *
 * A candidate that was activated in an earlier boot, while another slot runs now and is the one that
 * GRUB will boot, was rolled back.
 */
export function settle(
  state: UpdateState,
  boot: Boot,
  running: Slot,
  environment: BootStatus,
  now: Date,
): Settled {
  const notices = bootNotices(boot, running, environment);
  const { candidate } = state;
  // a check that was cut off by the reboot says nothing of what was activated before it
  const phase = state.phase === "checking" ? state.resting : state.phase;
  const stay = { state, notices, rolledBack: false };
  if (!candidate || phase === "downloading") return stay;
  if (candidate.boot_id === boot.id || candidate.slot === running) return stay;

  const primary = environment.effective;
  if (primary?.active === candidate.slot) {
    notices.push(
      `slot ${candidate.slot} (${candidate.version}) is still the one that GRUB will boot, but slot ${running} runs`,
    );
    return stay;
  }
  // never activated as far as the state knows, and no sign that GRUB tried it
  const tried = phase !== "staged" || boot.why === "rollback" || boot.why === "fallback";
  if (!tried) return stay;

  const attempts = boot.why === "rollback"
    ? BOOT_ATTEMPTS
    : Math.max(candidate.boots, boot.why === "fallback" ? 1 : 0);
  const reason = rollbackReason(boot, candidate);
  return {
    state: move(state, "rolled_back", now, {
      resting: "rolled_back",
      candidate: undefined,
      // the system that gave those answers is gone
      health: undefined,
      last_error: `${candidate.version} rolled back after ${attempts} boots: ${reason}`,
      ledger: record(state.ledger, {
        digest: candidate.digest,
        version: candidate.version,
        outcome: "rolled_back",
        reason,
        attempts,
        at: now.toISOString(),
      }),
    }),
    notices,
    rolledBack: true,
  };
}

function rollbackReason(boot: Boot, candidate: Candidate): string {
  const unhealthy = candidate.unhealthy ? `: ${candidate.unhealthy}` : "";
  switch (boot.why) {
    case "rollback":
      return `no health check was confirmed${unhealthy}`;
    case "fallback":
      return `GRUB could not load slot ${candidate.slot}, or its SHA256SUMS did not match`;
    case "noenv":
      return "the boot environment was lost while it was on trial";
    default:
      return `the boot loader came back to the other slot${unhealthy}`;
  }
}

function bootNotices(boot: Boot, running: Slot, environment: BootStatus): string[] {
  const notices: string[] = [];
  if (boot.why === "nosave") {
    notices.push(
      "GRUB could not record a boot attempt and did not try the slot on trial: the ESP may be read-only or failing",
    );
  }
  if (boot.why === "fallback") {
    notices.push(`GRUB fell back to slot ${running}: the other slot could not be loaded`);
  }
  if (boot.why === "noenv") {
    notices.push("GRUB found no boot environment; the next confirmation makes it anew");
  }
  for (const copy of environment.copies) {
    if ("problem" in copy) notices.push(`${copy.name}: ${copy.problem}`);
  }
  return notices;
}
