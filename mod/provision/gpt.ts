/**
 * GUID partition tables: UEFI specification 2.10, section 5.3.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { UpdateError } from "../core/mod.ts";
import { unpackGuid } from "./_guid.ts";
import { ENTRIES, ENTRY_BYTES, HEADER_BYTES, SIGNATURE } from "./_layout.ts";

/** Bytes in a sector. Disks with larger ones need a table of their own, and are not written. */
export const SECTOR = 512;

/** Sectors of one table: its header and its entries. */
export const TABLE_SECTORS: number = 1 + (ENTRIES * ENTRY_BYTES) / SECTOR;

/** Where the old kind of table lies in the first sector; boot code is before it. */
export const RECORD_AT = 446;

/** A partition. */
export interface GptPartition {
  /** From 1. */
  readonly number: number;
  /** What it is for, as a GUID in lower case. */
  readonly type: string;
  /** Its own identifier. */
  readonly guid: string;
  /** First sector. */
  readonly first: number;
  /** Last sector, which belongs to it. */
  readonly last: number;
  /** Flags, as they stand there. */
  readonly attributes: bigint;
  /** At most 36 characters. */
  readonly name: string;
}

/** All partitions of a disk, by number. */
export interface GptTable {
  /** The disk's own identifier. */
  readonly guid: string;
  /** Those that are in use. */
  readonly partitions: readonly GptPartition[];
}

/**
 * The table at the beginning of a disk, of which `bytes` are the first 34 sectors or more. `name` is what
 * messages call it.
 *
 * @throws {UpdateError} `usage` where there is none, or a damaged one.
 */
export function parseTable(bytes: Uint8Array, name: string): GptTable {
  const problem = (found: string) =>
    new UpdateError("usage", {
      operation: `reading the partition table of ${name}`,
      found,
      advice: "give a disk image, as `deno task image` makes it",
    });
  const header = bytes.subarray(SECTOR, SECTOR + HEADER_BYTES);
  if (new TextDecoder().decode(header.subarray(0, 8)) !== SIGNATURE) {
    throw problem("no GUID partition table");
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const bare = Uint8Array.from(header).fill(0, 16, 20);
  if (view.getUint32(16, true) !== crc32(bare)) throw problem("a header whose checksum is wrong");
  const at = Number(view.getBigUint64(72, true)) * SECTOR;
  const count = view.getUint32(80, true);
  if (view.getUint32(84, true) !== ENTRY_BYTES || count > ENTRIES) {
    throw problem(`${count} entries of ${view.getUint32(84, true)} bytes`);
  }
  const entries = bytes.subarray(at, at + count * ENTRY_BYTES);
  if (entries.length < count * ENTRY_BYTES || view.getUint32(88, true) !== crc32(entries)) {
    throw problem("entries whose checksum is wrong");
  }
  return { guid: unpackGuid(header.subarray(56, 72)), partitions: parseEntries(entries) };
}

function parseEntries(entries: Uint8Array): GptPartition[] {
  const utf16 = new TextDecoder("utf-16le");
  const partitions: GptPartition[] = [];
  for (let number = 1; number <= entries.length / ENTRY_BYTES; number++) {
    const entry = entries.subarray((number - 1) * ENTRY_BYTES, number * ENTRY_BYTES);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
    partitions.push({
      number,
      type: unpackGuid(entry.subarray(0, 16)),
      guid: unpackGuid(entry.subarray(16, 32)),
      first: Number(view.getBigUint64(32, true)),
      last: Number(view.getBigUint64(40, true)),
      attributes: view.getBigUint64(48, true),
      name: utf16.decode(entry.subarray(56)).replace(/\0.*$/s, ""),
    });
  }
  return partitions;
}
