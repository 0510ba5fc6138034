/**
 * `rollback`: back to the other slot, because a person says so.
 *
 * @module
 */

import { completeSlot } from "./_complete_slot.ts";
import { UpdateError } from "./errors.ts";
import type { Floor } from "./floor.ts";
import { enter, lookInside, type Node, takeStock } from "./node.ts";
import { otherSlot, type Slot } from "./slot.ts";
import { record } from "./state.ts";
import { compareVersions, isVersion } from "./version.ts";

/** What `rollback` did. */
export interface RollbackOutcome {
  /** The slot that GRUB will boot next. */
  readonly slot: Slot;
  /** The version in it, where it says. */
  readonly version?: string;
  /** False: the other slot was only activated, not booted yet, so the running one simply stays. */
  readonly reboot: boolean;
}

/**
 * Resolves when GRUB will boot the slot to go back to, as a confirmed one: the running slot where the
 * other was activated but not booted yet, else the other slot, which was read and matched before.
 * What was left is on the ledger, so that it is not taken again by itself.
 *
 * @param force Also to a version below the floor that a release has raised.
 * @throws {UpdateError} `slot` or `verification` where the other slot holds no complete system, `refused`
 * where it is below the floor: then nothing was changed.
 */
export async function rollback(node: Node, force = false): Promise<RollbackOutcome> {
  const standing = await takeStock(node);
  const { running, environment, state } = standing;
  const other = otherSlot(running);
  const at = node.now().toISOString();
  if (node.boot.why === "manual") {
    throw new UpdateError("refused", {
      operation: "rolling back",
      found:
        `slot ${running} was chosen by hand in GRUB's menu, which changes nothing for the next boot`,
      advice: "reboot",
    });
  }
  const primary = environment.effective;
  if (primary?.active === other && !primary.success) {
    await node.bootEnv.confirm(running);
    await enter(node, state, "rolled_back", {
      resting: "rolled_back",
      candidate: undefined,
      last_error: `the activation of slot ${other} was taken back by hand`,
    });
    return { slot: running, version: state.slots[running]?.version, reboot: false };
  }

  const version = await completeSlot(node, state, other);
  if (!force) refuseBelow((await lookInside(node, standing)).floor, other, version);
  const left = state.candidate?.slot === running ? state.candidate : state.slots[running];
  await enter(node, state, "rolled_back", {
    resting: "rolled_back",
    candidate: undefined,
    last_error: `${left?.version ?? `slot ${running}`} rolled back by hand`,
    ledger: left
      ? record(state.ledger, {
        digest: left.digest,
        version: left.version,
        outcome: "rolled_back",
        reason: "rolled back by hand",
        attempts: state.candidate?.boots ?? 0,
        at,
      })
      : state.ledger,
  });
  await node.bootEnv.confirm(other);
  return { slot: other, version, reboot: true };
}

/** Versions alone that were confirmed hold nobody back: then there would be no way back at all. */
function refuseBelow({ min_allowed_version: floor }: Floor, slot: Slot, version?: string): void {
  const comparable = version !== undefined && isVersion(version);
  if (floor === undefined || (comparable && compareVersions(version, floor) >= 0)) return;
  throw new UpdateError("refused", {
    operation: `rolling back to slot ${slot}`,
    found: `${version ?? "an unknown version"}, where a release that was confirmed here wants ` +
      `nothing older than ${floor}`,
    advice: "nothing was changed; add --force if it has to be",
  });
}
