/**
 * The partitions of a node's disk.
 *
 * @module
 */

import { LABELS } from "../mod/core/mod.ts";
import { SECTOR } from "../mod/provision/mod.ts";

/** Bytes in a mebibyte. */
export const MIB: number = 1 << 20;

/** First sector of the first partition; the last MiB of the disk is left to the second table. */
const FIRST = MIB / SECTOR;

/** The disk's own identifier. Every identifier is fixed: the same inputs give the same image. */
export const DISK_GUID = "6b756265-736f-4c6f-8f73-000000000000";

/** The partition that GRUB's second stage lies in where BIOS machines are served. */
export const BIOS_BOOT = {
  number: 5,
  name: "BIOSBOOT",
  guid: "6b756265-736f-4c6f-8f73-000000000005",
  first: 34,
  last: FIRST - 1,
} as const;

/** A partition with a file system. */
export interface PlannedPartition {
  readonly number: number;
  /** GPT name and file-system label. */
  readonly label: string;
  readonly type: "ef00" | "8300";
  readonly guid: string;
  /** First sector. */
  readonly first: number;
  /** Bytes. */
  readonly size: number;
}

/** Sizes in bytes, whole MiB. */
export interface DiskSizes {
  readonly esp: number;
  readonly slot: number;
  readonly data: number;
}

/** Sizes where nothing else is asked for. */
export const DEFAULT_SIZES: DiskSizes = { esp: 64 * MIB, slot: 128 * MIB, data: 64 * MIB };

/** The smallest ESP that can be FAT32. */
const LEAST_ESP = 34 * MIB;

/** The smallest ext4 that is worth having. */
const LEAST_EXT4 = 8 * MIB;

/** Where everything lies, and how many bytes the disk has. */
export interface DiskPlan {
  readonly partitions: readonly [
    esp: PlannedPartition,
    slotA: PlannedPartition,
    slotB: PlannedPartition,
    data: PlannedPartition,
  ];
  readonly size: number;
}

/**
 * Lays the partitions out one after the other.
 *
 * @throws {Error} where a size is too small for its file system.
 */
export function planDisk(sizes: DiskSizes): DiskPlan {
  atLeast("--esp-size", sizes.esp, LEAST_ESP);
  atLeast("--slot-size", sizes.slot, LEAST_EXT4);
  atLeast("--data-size", sizes.data, LEAST_EXT4);
  let next = FIRST;
  const place = (
    number: number,
    label: string,
    type: PlannedPartition["type"],
    size: number,
  ): PlannedPartition => {
    const first = next;
    next += size / SECTOR;
    return { number, label, type, guid: DISK_GUID.slice(0, -1) + number, first, size };
  };
  return {
    partitions: [
      place(1, LABELS.efi, "ef00", sizes.esp),
      place(2, LABELS.A, "8300", sizes.slot),
      place(3, LABELS.B, "8300", sizes.slot),
      place(4, LABELS.data, "8300", sizes.data),
    ],
    size: (next + FIRST) * SECTOR,
  };
}

/**
 * Bytes of a size such as `64M` or `2G`.
 *
 * @throws {Error} where it is not one; `name` is the option that gave it.
 */
export function parseSize(name: string, text: string): number {
  const match = /^(\d{1,6})([MG])$/.exec(text);
  if (!match) throw new Error(`${name}: wanted a size such as 64M or 2G, found "${text}"`);
  return Number(match[1]) * (match[2] === "G" ? 1024 : 1) * MIB;
}

function atLeast(name: string, size: number, least: number): void {
  if (size % MIB === 0 && size >= least) return;
  throw new Error(`${name}: wanted whole MiB, at least ${least / MIB}M, found ${size / MIB}M`);
}
