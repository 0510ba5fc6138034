/**
 * `status`: what is where, and how it came so. Changes nothing.
 *
 * @module
 */

import type { BootStatus } from "./boot_env.ts";
import { reasonOf, UpdateError } from "./errors.ts";
import { type Node, survey } from "./node.ts";
import { type Boot, type Slot, SLOTS } from "./slot.ts";
import type { SlotContents } from "./slot_store.ts";
import type { UpdateState } from "./state.ts";

/** One slot, as `status` shows it. */
export interface SlotStatus extends SlotContents {
  /** It is the one that runs. */
  readonly running: boolean;
  /** GRUB boots it next. */
  readonly primary: boolean;
  /** Digest of the release, where the agent wrote it. */
  readonly digest?: string;
}

/** What `status` shows. */
export interface StatusOutcome {
  /** The slot that runs. */
  readonly running: Slot;
  /** How the node was booted. */
  readonly boot: Boot;
  /** Both slots. */
  readonly slots: Readonly<Record<Slot, SlotStatus>>;
  /** Both copies of the boot environment. */
  readonly environment: BootStatus;
  /** Phase, candidate, ledger. */
  readonly state: UpdateState;
  /** What a person should hear of, one line each. */
  readonly notices: readonly string[];
}

/**
 * The node as it stands; not a byte is written.
 *
 * @param look Whether to look into the passive slot, too: not while another agent may be writing it.
 * The running slot is never written.
 * @throws {UpdateError} where the running slot is in doubt, or the environment out of reach.
 */
export async function status(node: Node, look = true): Promise<StatusOutcome> {
  const { running, environment, state, notices } = await survey(node);
  const describe = async (slot: Slot): Promise<SlotStatus> => {
    const written = state.slots[slot];
    const contents = look || slot === running
      ? await inspect(slot)
      : { problem: "not looked at while another agent works" };
    return {
      ...contents,
      version: contents.version ?? written?.version,
      digest: written?.digest,
      running: slot === running,
      primary: slot === (environment.effective?.active ?? "A"),
    };
  };
  const [a, b] = await Promise.all(SLOTS.map(describe));
  return { running, boot: node.boot, slots: { A: a, B: b }, environment, state, notices };

  async function inspect(slot: Slot): Promise<SlotContents> {
    try {
      return await node.slots.inspect(slot);
    } catch (error) {
      if (!(error instanceof UpdateError)) throw error;
      return { problem: reasonOf(error) };
    }
  }
}
