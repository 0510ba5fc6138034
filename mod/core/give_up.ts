/**
 * The way back from a slot on trial that the agent itself gives up.
 *
 * @module
 */

import { completeSlot } from "./_complete_slot.ts";
import { enter, type Node } from "./node.ts";
import { otherSlot, type Slot } from "./slot.ts";
import { type Candidate, record, type UpdateState } from "./state.ts";

/** Where the way back leads, and why. */
export interface GivenUp {
  /** The slot that GRUB will boot next, as a confirmed one. */
  readonly slot: Slot;
  /** The version in it, where it says. */
  readonly version?: string;
  /** Why, in words; the same is on the ledger. */
  readonly reason: string;
}

/**
 * Resolves when GRUB will boot the other slot, which was read and matched before, and the candidate is
 * on the ledger. The boot environment comes first: with the power gone after it, the next boot finds the
 * candidate in the state and another slot running, and writes the rest down.
 *
 * @throws {UpdateError} `slot` or `verification` where the other slot holds no complete system: then
 * nothing was changed.
 */
export async function giveUp(
  node: Node,
  state: UpdateState,
  candidate: Candidate,
  reason: string,
): Promise<GivenUp> {
  const slot = otherSlot(candidate.slot);
  const version = await completeSlot(node, state, slot);
  await node.bootEnv.confirm(slot);
  await enter(node, state, "rolled_back", {
    resting: "rolled_back",
    candidate: undefined,
    last_error: `${candidate.version} rolled back: ${reason}`,
    ledger: record(state.ledger, {
      digest: candidate.digest,
      version: candidate.version,
      outcome: "rolled_back",
      reason,
      attempts: candidate.boots,
      at: node.now().toISOString(),
    }),
  });
  return { slot, version, reason };
}
