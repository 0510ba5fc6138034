import type { BootVariables } from "../core/mod.ts";
import { type BlockChanges, isName, listVariables } from "./block.ts";
import { readCopy } from "./read_copy.ts";

/** A copy as it is on disk; `null` where there is no file. */
export interface Copy {
  readonly name: string;
  readonly bytes: Uint8Array | null;
}

/** Whether GRUB finds in it all that it needs. */
export function believed({ name, bytes }: Copy): boolean {
  return "variables" in readCopy(name, bytes);
}

/** Whether anything can be read in it. */
export function hasVariables({ bytes }: Copy): boolean {
  return bytes !== null && listVariables(bytes).size > 0;
}

/** The variables of a block that GRUB's script could have set. */
export function settable(block: Uint8Array | undefined): BlockChanges {
  return Object.fromEntries(
    [...listVariables(block ?? new Uint8Array())].filter(([name]) => isName(name)),
  );
}

/**
 * `grubenv`, then `grubenv.bak`; but where `grubenv` is the only one that GRUB can believe, the other
 * one first: a cut while it is overwritten would leave none.
 */
export function inWritingOrder(copies: readonly Copy[]): readonly Copy[] {
  const [first, second] = copies;
  return believed(first) && !believed(second) ? [second, first] : copies;
}

export function changesFor({ active, counter, success }: BootVariables): BlockChanges {
  return {
    active_slot: active,
    boot_counter: String(counter),
    boot_success: success ? "1" : "0",
  };
}

export function says(block: Uint8Array, changes: BlockChanges): boolean {
  const variables = listVariables(block);
  return Object.entries(changes).every(([name, value]) => variables.get(name) === value);
}

export function equal(found: Uint8Array | null, wanted: Uint8Array): boolean {
  return found?.length === wanted.length && found.every((byte, at) => byte === wanted[at]);
}
