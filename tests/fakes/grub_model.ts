/**
 * `deploy/grub/grub.cfg` as a pure function: what one boot reads, what it writes, and what it starts.
 * `tests/vm/grub_test.ts` holds it against the real GRUB.
 *
 * @module
 */

import { editBlock, listVariables, readCopy } from "../../mod/boot/mod.ts";
import { type BootReason, otherSlot, type Slot, UpdateError } from "../../mod/core/mod.ts";

/** The two files beside grub.cfg; `null` where there is none. */
export interface GrubFiles {
  readonly grubenv: Uint8Array | null;
  readonly backup: Uint8Array | null;
}

/** Whether a slot can be loaded and matches its SHA256SUMS. */
export type Bootable = Readonly<Record<Slot, boolean>>;

/** What else a boot depends on. */
export interface GrubConditions {
  /** Whether `save_env` reaches the disk; true unless told otherwise. */
  readonly saves?: boolean;
  /** `ks_strikes` of grub.cfg. */
  readonly strikes?: boolean;
}

/** What a kernel is told, or that none was started, and the files afterwards. */
export interface GrubBoot extends GrubFiles {
  /** `ksolo.slot=` and `ksolo.boot=`; undefined: nothing could be started, GRUB waits and resets. */
  readonly started?: { readonly slot: Slot; readonly why: BootReason };
  /** `ksolo.env=` */
  readonly env: "grubenv" | "grubenv.bak" | "bad";
}

/**
 * One pass through GRUB's default entry.
 *
 * A machine that does not come up is one that is passed through again with the files that this gives.
 */
export function bootGrub(
  files: GrubFiles,
  bootable: Bootable,
  { saves = true, strikes = false }: GrubConditions = {},
): GrubBoot {
  const believed = believe(files);
  if (!believed) return { ...files, env: "bad", started: start("A", "noenv", bootable) };
  const { env, variables: { active, counter = 0, success } } = believed;

  let bytes = believed.bytes;
  const save = (slot: Slot, left: number, confirmed: boolean): boolean => {
    const saved = saves ? saveEnv(bytes, slot, left, confirmed) : undefined;
    bytes = saved?.bytes ?? bytes;
    return saved?.readsBack ?? false;
  };
  const end = (slot: Slot, why: BootReason): GrubBoot => {
    // an unbootable candidate is rolled back in the same boot
    if (why === "trial" && !bootable[slot]) save(otherSlot(slot), 3, true);
    const started = start(slot, why, bootable);
    return env === "grubenv"
      ? { env, started, grubenv: bytes, backup: files.backup }
      : { env, started, grubenv: files.grubenv, backup: bytes };
  };

  const other = otherSlot(active);
  if (success) {
    if (!strikes) return end(active, "normal");
    save(active, counter > 0 ? counter - 1 : 3, true);
    return counter > 0 ? end(active, "normal") : end(other, "fallback");
  }
  if (counter === 0) {
    save(other, 3, true);
    return end(other, "rollback");
  }
  return save(active, counter - 1, false) ? end(active, "trial") : end(other, "nosave");
}

/** `ks_state`: the first copy that makes sense. */
function believe(files: GrubFiles) {
  const copies = [["grubenv", files.grubenv], ["grubenv.bak", files.backup]] as const;
  for (const [env, bytes] of copies) {
    const copy = readCopy(env, bytes);
    if (bytes && "variables" in copy) return { env, bytes, variables: copy.variables };
  }
}

/** `ks_boot`, twice: the slot that was chosen, then the other one. */
function start(slot: Slot, why: BootReason, bootable: Bootable): GrubBoot["started"] {
  if (bootable[slot]) return { slot, why };
  const other = otherSlot(slot);
  return bootable[other] ? { slot: other, why: "fallback" } : undefined;
}

/** `ks_save`: undefined where GRUB finds no room and writes nothing. */
function saveEnv(bytes: Uint8Array, slot: Slot, left: number, confirmed: boolean) {
  const values = {
    active_slot: slot as string,
    boot_counter: String(left),
    boot_success: confirmed ? "1" : "0",
  };
  try {
    const written = editBlock(bytes, values);
    // of a variable that is there twice GRUB sets the first and reads the last
    const found = listVariables(written);
    const readsBack = Object.entries(values).every(([name, value]) => found.get(name) === value);
    return { bytes: written, readsBack };
  } catch (error) {
    if (error instanceof UpdateError) return undefined;
    throw error;
  }
}
