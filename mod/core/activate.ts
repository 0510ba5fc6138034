/**
 * `activate`: points the boot loader at the staged slot.
 *
 * @module
 */

import { BOOT_ATTEMPTS } from "./boot_env.ts";
import { reasonOf, UpdateError } from "./errors.ts";
import { refusalError } from "./gates.ts";
import { confirmedGate } from "./gates_of_node.ts";
import { enter, type Node, takeStock } from "./node.ts";
import type { Slot } from "./slot.ts";
import { requireStillBelieved, type Trust } from "./trust.ts";

/** What `activate` did. */
export interface ActivateOutcome {
  /** The slot that GRUB will try. */
  readonly slot: Slot;
  /** The version in it. */
  readonly version: string;
  /** Boots that GRUB gives it. */
  readonly attempts: number;
}

/**
 * Resolves when GRUB will boot the staged slot on trial. The slot was read and matched once more
 * before, and those who had signed the release are still believed by `trust`; where that is undefined,
 * nobody is asked.
 *
 * @throws {UpdateError} `refused` where nothing is staged or the running slot is not confirmed;
 * `verification` where the slot has changed since it was staged, or too few of those keys are believed;
 * `slot` where grubenv cannot be written.
 */
export async function activate(node: Node, trust: Trust | undefined): Promise<ActivateOutcome> {
  const { running, environment, state } = await takeStock(node);
  const candidate = state.candidate;
  if (!candidate || candidate.slot === running) {
    throw new UpdateError("refused", {
      operation: "activating",
      found: candidate
        ? `slot ${running} with ${candidate.version} runs already`
        : `nothing is staged (phase ${state.phase})`,
      advice: candidate
        ? "run `kubesolo-update healthcheck` to confirm it"
        : "run `kubesolo-update apply` first",
    });
  }
  const gate = confirmedGate({ boot: node.boot, running, environment: environment.effective });
  if (!gate.passed) throw refusalError(gate, candidate.version);
  requireStillBelieved(candidate, trust);

  const { slot, version } = candidate;
  try {
    await node.slots.verify(slot, state.slots[slot]?.artifacts);
    await node.bootEnv.try(slot);
  } catch (error) {
    if (error instanceof UpdateError) {
      await enter(node, state, "failed", {
        candidate: error.code === "verification" ? undefined : candidate,
        last_error: reasonOf(error),
      });
    }
    throw error;
  }
  await enter(node, state, "activated", {
    resting: "activated",
    candidate: { ...candidate, boot_id: node.boot.id, failed_checks: undefined },
  });
  return { slot, version, attempts: BOOT_ATTEMPTS };
}
