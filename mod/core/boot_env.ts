/**
 * The boot environment: what GRUB reads to choose a slot.
 *
 * @module
 */

import type { Slot } from "./slot.ts";

/** How often GRUB tries a slot on trial before it comes back by itself. */
export const BOOT_ATTEMPTS = 3;

/** The three variables that GRUB and the agent share. */
export interface BootVariables {
  /** `active_slot`: the slot that GRUB boots. */
  readonly active: Slot;
  /** `boot_counter`: attempts left, 0 to 3; undefined where it is nonsense, which GRUB takes as 0. */
  readonly counter?: number;
  /** `boot_success=1`: the slot is confirmed. `false`: it is on trial. */
  readonly success: boolean;
}

/** One copy of the environment: its variables, or why it has none. */
export type BootCopy =
  | { readonly name: string; readonly variables: BootVariables }
  | { readonly name: string; readonly problem: string };

/** Both copies as they are on disk, and the one that GRUB will believe. */
export interface BootStatus {
  /** `grubenv`, then `grubenv.bak`. */
  readonly copies: readonly BootCopy[];
  /** The first copy with sane variables: what GRUB goes by. Undefined: GRUB boots A, uncounted. */
  readonly effective?: BootVariables;
}

/** Where the primary slot is recorded. Implemented over grubenv by `mod/boot/`. */
export interface BootEnv {
  /**
   * Both copies, read from disk.
   * @throws {UpdateError} `slot` where the file system that holds them cannot be reached.
   */
  read(): Promise<BootStatus>;
  /**
   * Resolves when both copies on disk say: boot `slot`, on trial, {@linkcode BOOT_ATTEMPTS} times.
   * @throws {UpdateError} `slot` where that could not be written and read back.
   */
  try(slot: Slot): Promise<void>;
  /**
   * Resolves when both copies on disk say: boot `slot`, confirmed. Writes only what differs.
   * @throws {UpdateError} `slot` where that could not be written and read back.
   */
  confirm(slot: Slot): Promise<void>;
}
