/**
 * The GUID partition table of an image, read.
 *
 * @module
 */

import { extentOf, parseTable, SECTOR, TABLE_SECTORS } from "../mod/provision/mod.ts";

/** A partition of an image. */
export interface ImagePartition {
  readonly number: number;
  readonly name: string;
  /** Bytes from the start of the image. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/**
 * The partitions of `image` by its first table.
 *
 * @throws {Error} where it has none.
 */
export async function readPartitionTable(image: string): Promise<ImagePartition[]> {
  using file = await Deno.open(image);
  const bytes = new Uint8Array((1 + TABLE_SECTORS) * SECTOR);
  for (let at = 0; at < bytes.length;) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) break;
    at += read;
  }
  return parseTable(bytes, image).partitions
    .map((partition) => ({ ...extentOf(partition), ...partition }));
}

/**
 * The partition `name` of `image`.
 *
 * @throws {Error} where there is none of that name.
 */
export async function imagePartition(image: string, name: string): Promise<ImagePartition> {
  const partitions = await readPartitionTable(image);
  const found = partitions.find((partition) => partition.name === name);
  if (found) return found;
  const names = partitions.map((partition) => partition.name).join(", ");
  throw new Error(`${image}: wanted a partition ${name}, found ${names || "none at all"}`);
}
