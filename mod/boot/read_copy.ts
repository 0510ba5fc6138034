/**
 * One copy of the environment, seen with the eyes of grub.cfg's `ks_state`.
 *
 * @module
 */

import { BOOT_ATTEMPTS, type BootCopy, type BootStatus, isSlot } from "../core/mod.ts";
import { BLOCK_BYTES, isBlock, listVariables } from "./block.ts";

/** The file that GRUB reads first, and the one that it falls back to, both beside grub.cfg. */
export const COPY_NAMES = ["grubenv", "grubenv.bak"] as const;

/**
 * What GRUB makes of the bytes of one copy; `null` where there is no file.
 *
 * GRUB does not look at the length, so a copy of another length that it can read has variables here
 * too. `active_slot` and `boot_success` have to be sane; a counter that is not is no counter.
 */
export function readCopy(name: string, bytes: Uint8Array | null): BootCopy {
  if (!bytes) return { name, problem: "absent" };
  const variables = listVariables(bytes);
  const active = variables.get("active_slot");
  const success = variables.get("boot_success");
  if (isSlot(active) && (success === "0" || success === "1")) {
    const counter = counterOf(variables.get("boot_counter"));
    return {
      name,
      variables: {
        active,
        success: success === "1",
        ...(counter === undefined ? {} : { counter }),
      },
    };
  }
  return { name, problem: problemOf(bytes, active, success) };
}

/** Both copies, and the one that GRUB goes by. */
export function statusOf(copies: readonly BootCopy[]): BootStatus {
  for (const copy of copies) {
    if ("variables" in copy) return { copies, effective: copy.variables };
  }
  return { copies };
}

function counterOf(text: string | undefined): number | undefined {
  const counter = text?.length === 1 ? "0123456789".indexOf(text) : -1;
  return counter >= 0 && counter <= BOOT_ATTEMPTS ? counter : undefined;
}

function problemOf(bytes: Uint8Array, active?: string, success?: string): string {
  if (bytes.length > 0 && bytes.every((byte) => byte === 0)) return "all zero bytes";
  if (bytes.length !== BLOCK_BYTES) return `${bytes.length} bytes instead of ${BLOCK_BYTES}`;
  if (!isBlock(bytes)) return "no GRUB environment block";
  if (!isSlot(active)) return wrong("active_slot", active);
  return wrong("boot_success", success);
}

function wrong(name: string, value: string | undefined): string {
  return value === undefined ? `no ${name}` : `${name}=${value.slice(0, 32)}`;
}
