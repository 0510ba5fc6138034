/**
 * The boot environment: what GRUB reads to choose a slot.
 *
 * @module
 */

import { otherSlot, type Slot } from "./slot.ts";

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

/** The slot that GRUB boots as a good one; undefined where none is confirmed. */
export function confirmedSlot({ effective }: BootStatus): Slot | undefined {
  return effective?.success ? effective.active : undefined;
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

/** What GRUB does at the next boot, as far as the boot environment decides. */
export interface BootForecast {
  /** The slot that it boots. */
  readonly slot: Slot;
  /**
   * `confirmed`: for good. `trial`: one attempt of `attempts`. `back`: the other slot has used up its
   * attempts. `default`: there is no boot environment.
   */
  readonly why: "confirmed" | "trial" | "back" | "default";
  /** Attempts that are left before it, for a slot on trial. */
  readonly attempts?: number;
  /** Both copies say the same. */
  readonly agreed: boolean;
}

/** What GRUB will do; a slot that cannot be loaded then is left for the other one. */
export function forecastBoot({ copies, effective }: BootStatus): BootForecast {
  const texts = copies.map((copy) => JSON.stringify("variables" in copy ? copy.variables : copy));
  const agreed = texts.every((text) => text === texts[0]);
  if (!effective) return { slot: "A", why: "default", agreed };
  const { active, success, counter = 0 } = effective;
  if (success) return { slot: active, why: "confirmed", agreed };
  return counter > 0
    ? { slot: active, why: "trial", attempts: counter, agreed }
    : { slot: otherSlot(active), why: "back", agreed };
}
