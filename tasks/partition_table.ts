/**
 * The GUID partition table of an image, read.
 *
 * @module
 */

import { SECTOR } from "./disk_layout.ts";

/** A partition of an image. */
export interface ImagePartition {
  readonly number: number;
  readonly name: string;
  /** Bytes from the start of the image. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

const HEADER_AT = SECTOR;
const MOST_ENTRIES = 128;
const ENTRY_BYTES = 128;

/**
 * The partitions of `image` by its first table.
 *
 * @throws {Error} where it has none.
 */
export async function readPartitionTable(image: string): Promise<ImagePartition[]> {
  using file = await Deno.open(image);
  const bytes = new Uint8Array(HEADER_AT + SECTOR + MOST_ENTRIES * ENTRY_BYTES);
  for (let at = 0; at < bytes.length;) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) break;
    at += read;
  }
  const text = new TextDecoder();
  if (text.decode(bytes.subarray(HEADER_AT, HEADER_AT + 8)) !== "EFI PART") {
    throw new Error(`${image}: wanted an image with a GUID partition table, found none`);
  }
  const view = new DataView(bytes.buffer);
  const utf16 = new TextDecoder("utf-16le");
  const partitions: ImagePartition[] = [];
  for (let number = 1; number <= MOST_ENTRIES; number++) {
    const at = HEADER_AT + SECTOR + (number - 1) * ENTRY_BYTES;
    const first = Number(view.getBigUint64(at + 32, true));
    const last = Number(view.getBigUint64(at + 40, true));
    if (first === 0) continue;
    const name = utf16.decode(bytes.subarray(at + 56, at + ENTRY_BYTES)).replace(/\0.*$/s, "");
    partitions.push({
      number,
      name,
      offset: first * SECTOR,
      size: (last - first + 1) * SECTOR,
    });
  }
  return partitions;
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
