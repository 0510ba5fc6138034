/**
 * A node's partition table, made to fit the disk that it goes to.
 *
 * @module
 */

import { LABELS, UpdateError } from "../core/mod.ts";
import { type GptPartition, type GptTable, SECTOR, TABLE_SECTORS } from "./gpt.ts";

/** Partitions begin and end at whole MiB, as their makers and flash memory like it. */
const ALIGNMENT = (1 << 20) / SECTOR;

/** A stretch of a disk, in bytes. */
export interface Extent {
  /** From the beginning. */
  readonly offset: number;
  /** How much there is. */
  readonly size: number;
}

/**
 * The data partition of `table`: the one called KSOLODATA, behind all others. `name` is what messages
 * call the disk.
 *
 * @throws {UpdateError} `usage` where there is none, or where others are behind it.
 */
export function dataPartition(table: GptTable, name: string): GptPartition {
  const problem = (found: string) =>
    new UpdateError("usage", {
      operation: `looking for the data partition of ${name}`,
      found,
      advice: "give a disk image of a node, as `deno task image` makes it",
    });
  const found = table.partitions.find((partition) => partition.name === LABELS.data);
  const names = table.partitions.map((partition) => partition.name).join(", ");
  if (!found) throw problem(`no ${LABELS.data} among its partitions: ${names || "none"}`);
  const behind = table.partitions.find(({ first }) => first > found.last);
  if (behind) throw problem(`${behind.name} behind ${LABELS.data}, which cannot grow`);
  return found;
}

/** Where a partition lies. */
export function extentOf({ first, last }: GptPartition): Extent {
  return { offset: first * SECTOR, size: (last - first + 1) * SECTOR };
}

/** Bytes of the smallest disk that `table` fits on, with the second table at the disk's end. */
export function leastDiskBytes(table: GptTable): number {
  const last = Math.max(...table.partitions.map((partition) => partition.last));
  return (last + 1 + TABLE_SECTORS) * SECTOR;
}

/**
 * `table` for a disk of `bytes` bytes: its data partition ends where the disk does, but for the second
 * table, at a whole MiB; it never shrinks. Disk and partitions get identifiers of their own, since two
 * disks with the same ones in one machine are mistaken for each other.
 *
 * @throws {UpdateError} `usage` where the disk is too small, or the table has no data partition.
 */
export function fitTable(table: GptTable, bytes: number, name: string): GptTable {
  const data = dataPartition(table, name);
  const needed = leastDiskBytes(table);
  if (bytes < needed) {
    throw new UpdateError("usage", {
      operation: `making ${name} fit`,
      found: `room for ${bytes} bytes`,
      advice: `give at least ${needed} bytes`,
    });
  }
  const sectors = Math.floor(bytes / SECTOR);
  const end = Math.floor((sectors - TABLE_SECTORS) / ALIGNMENT) * ALIGNMENT;
  return {
    guid: crypto.randomUUID(),
    partitions: table.partitions.map((partition) => ({
      ...partition,
      guid: crypto.randomUUID(),
      last: partition === data ? Math.max(data.last, end - 1) : partition.last,
    })),
  };
}
