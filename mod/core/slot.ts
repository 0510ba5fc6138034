/**
 * Slots, and which of them runs.
 *
 * @module
 */

import { UpdateError } from "./errors.ts";

/** One of the two system partitions. */
export type Slot = "A" | "B";

/** Both slots, in order. */
export const SLOTS: readonly Slot[] = ["A", "B"];

/** The slot that `slot` is not. */
export function otherSlot(slot: Slot): Slot {
  return slot === "A" ? "B" : "A";
}

/** Whether `value` names a slot. */
export function isSlot(value: unknown): value is Slot {
  return value === "A" || value === "B";
}

/** GPT partition names and file-system labels of a node's disk. */
export const LABELS = { A: "KSOLOA", B: "KSOLOB", efi: "KSOLOEFI", data: "KSOLODATA" } as const;

/** Why GRUB booted this slot, from the kernel argument `ksolo.boot=`. */
export type BootReason =
  | "normal"
  | "trial"
  | "rollback"
  | "fallback"
  | "nosave"
  | "noenv"
  | "manual";

const REASONS: readonly string[] = [
  "normal",
  "trial",
  "rollback",
  "fallback",
  "nosave",
  "noenv",
  "manual",
];

/** What the running system knows of its own boot. */
export interface Boot {
  /** Changes with every boot of the kernel, and only then. */
  readonly id: string;
  /** `ksolo.slot=`: the slot that GRUB loaded. */
  readonly slot?: Slot;
  /** `ksolo.boot=`: why it was that slot. */
  readonly why?: BootReason;
  /** The slot whose partition is mounted as `/`, where one is. */
  readonly root?: Slot;
}

/**
 * What the kernel's command line says of the boot. Unknown values are left out, never guessed.
 *
 * @example
 * ```ts
 * import { bootArguments } from "@kubesolo/update/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(bootArguments("quiet ksolo.slot=B ksolo.boot=trial"), { slot: "B", why: "trial" });
 * ```
 */
export function bootArguments(commandLine: string): { slot?: Slot; why?: BootReason } {
  const found: { slot?: Slot; why?: BootReason } = {};
  for (const word of commandLine.split(/\s+/)) {
    const [name, value] = word.split("=", 2);
    if (name === "ksolo.slot" && isSlot(value)) found.slot = value;
    if (name === "ksolo.boot" && REASONS.includes(value)) found.why = value as BootReason;
  }
  return found;
}

/**
 * The slot that runs: the kernel's command line, else the mounted root, else what GRUB is confirmed
 * to boot.
 *
 * @throws {UpdateError} `slot` where two of them disagree, or none of them knows: the running slot
 * must never be written, so a doubt stops everything.
 */
export function runningSlot(boot: Boot, confirmed?: Slot): Slot {
  if (boot.slot && boot.root && boot.slot !== boot.root) {
    throw new UpdateError("slot", {
      operation: "finding out which slot runs",
      found: `the kernel was told ksolo.slot=${boot.slot}, but / is mounted from slot ${boot.root}`,
      advice: "nothing was written; boot the node through its own GRUB menu",
    });
  }
  const slot = boot.slot ?? boot.root ?? confirmed;
  if (!slot) {
    throw new UpdateError("slot", {
      operation: "finding out which slot runs",
      found:
        "no ksolo.slot= on the kernel's command line, / is on neither slot, and no slot is confirmed in grubenv",
      advice: "nothing was written; boot the node through its own GRUB menu",
    });
  }
  return slot;
}
