/**
 * What the kernel tells of this boot.
 *
 * @module
 */

import {
  type Boot,
  bootArguments,
  type Disk,
  LABELS,
  readSmall,
  reasonOf,
  type Slot,
  SLOTS,
  UpdateError,
} from "../core/mod.ts";
import { HOST_VIEW } from "./view.ts";

/** Most bytes that are read of a kernel's command line; x86 stops at 2,048, arm64 as well. */
export const MAX_COMMAND_LINE_BYTES = 64 << 10;

/** Most bytes that are read of a table of mounts: a node full of pods has thousands of lines. */
export const MAX_MOUNTINFO_BYTES = 16 << 20;

/** Most bytes that are read of one small attribute in /proc or /sys. */
export const MAX_ATTRIBUTE_BYTES = 4 << 10;

const BOOT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Which slot a block device is, named by its numbers as in `8:2`. */
export type SlotOfDevice = (majorMinor: string) => Promise<Slot | undefined>;

/** Where {@linkcode readBoot} looks, and how it tells a slot's partition. */
export interface BootOptions {
  /** The view of /proc and /sys; {@linkcode HOST_VIEW} where absent. */
  readonly view?: string;
  /** Which slot is mounted as `/`; by GPT partition name where absent. */
  readonly slotOf?: SlotOfDevice;
}

/**
 * This boot: its id, what GRUB said on the kernel's command line, and the slot that is mounted as
 * `/`, where one is. The view must be there: see {@linkcode ensureView}.
 *
 * @throws {UpdateError} `slot` where the boot id, the command line or the mounts cannot be read: the
 * slot that runs is never guessed.
 */
export async function readBoot(disk: Disk, options: BootOptions = {}): Promise<Boot> {
  const view = options.view ?? HOST_VIEW;
  const slotOf = options.slotOf ?? slotByPartitionName(disk, view);
  const id = (await attribute(disk, `${view}/proc/sys/kernel/random/boot_id`)).trim();
  if (!BOOT_ID.test(id)) {
    throw unreadable(`${view}/proc/sys/kernel/random/boot_id`, `"${id}" is no boot id`);
  }
  const line = await attribute(disk, `${view}/proc/cmdline`, MAX_COMMAND_LINE_BYTES);
  const device = rootDevice(await mountinfo(disk, view));
  const root = device === undefined ? undefined : await slotOf(device);
  return { id, ...bootArguments(line), ...(root ? { root } : {}) };
}

/**
 * The numbers of the device that `/` is mounted from, as in `8:2`: the last line for `/` covers the
 * ones before it (proc_pid_mountinfo(5)).
 *
 * @example
 * ```ts
 * import { rootDevice } from "@kubesolo/update/host";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rootDevice("25 1 8:2 / / ro,relatime - ext4 /dev/sda2 ro\n"), "8:2");
 * ```
 */
export function rootDevice(mountinfo: string): string | undefined {
  const line = mountinfo.split("\n").findLast((text) => text.split(" ", 5)[4] === "/");
  const device = line?.split(" ", 3)[2];
  return device && /^\d+:\d+$/.test(device) ? device : undefined;
}

/** Tells slots by the GPT partition name that the kernel gives in a partition's `uevent`. */
export function slotByPartitionName(disk: Disk, view: string = HOST_VIEW): SlotOfDevice {
  return async (majorMinor) => {
    const bytes = await readSmall(
      disk,
      `${view}/sys/dev/block/${majorMinor}/uevent`,
      MAX_ATTRIBUTE_BYTES,
    ).catch(() => null); // a tmpfs or an overlay is no block device
    if (!bytes) return undefined;
    const name = /^PARTNAME=(.*)$/m.exec(new TextDecoder().decode(bytes))?.[1];
    return SLOTS.find((slot) => LABELS[slot] === name);
  };
}

/** Init's mounts where they can be read: a pod's own `/` says nothing of the node. */
async function mountinfo(disk: Disk, view: string): Promise<string> {
  const path = (process: string) => `${view}/proc/${process}/mountinfo`;
  return await attribute(disk, path("1"), MAX_MOUNTINFO_BYTES)
    .catch(() => attribute(disk, path("self"), MAX_MOUNTINFO_BYTES));
}

async function attribute(
  disk: Disk,
  path: string,
  limit: number = MAX_ATTRIBUTE_BYTES,
): Promise<string> {
  const bytes = await readSmall(disk, path, limit).catch((error: unknown) => {
    throw unreadable(path, reasonOf(error), error);
  });
  if (!bytes) throw unreadable(path, `more than ${limit} bytes`);
  return new TextDecoder().decode(bytes);
}

function unreadable(path: string, found: string, cause?: unknown): UpdateError {
  return new UpdateError("slot", {
    operation: `reading ${path}`,
    found,
    advice: "see that /proc is mounted, and run it as root",
    cause,
  });
}
