/**
 * GUID partition tables: UEFI specification 2.10, section 5.3.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { concat } from "@std/bytes/concat";
import { UpdateError } from "../core/mod.ts";

/** Bytes in a sector. Disks with larger ones need a table of their own, and are not written. */
export const SECTOR = 512;

const HEADER_BYTES = 92;
const ENTRIES = 128;
const ENTRY_BYTES = 128;
const ENTRIES_SECTORS = (ENTRIES * ENTRY_BYTES) / SECTOR;
const REVISION = 0x00010000;
const SIGNATURE = "EFI PART";
const NAME_UNITS = 36;

/** Sectors of one table: its header and its entries. */
export const TABLE_SECTORS: number = 1 + ENTRIES_SECTORS;

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

/** A table as bytes. */
export interface PackedTable {
  /** Bytes from {@linkcode RECORD_AT} on of the first sector: all of this belongs to something else. */
  readonly record: Uint8Array;
  /** From the second sector on. */
  readonly first: Uint8Array;
  /** The disk's last sectors. */
  readonly second: Uint8Array;
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

/** `table` for a disk of `sectors` sectors: the bytes that sgdisk writes. */
export function packTable(table: GptTable, sectors: number): PackedTable {
  const entries = packEntries(table.partitions);
  const last = sectors - 1;
  const secondAt = last - ENTRIES_SECTORS;
  const header = (self: number, other: number, entriesAt: number) =>
    packHeader(table.guid, { self, other, entriesAt }, last, entries);
  return {
    record: protectiveRecord(sectors),
    first: concat([header(1, last, 2), entries]),
    second: concat([entries, header(last, 1, secondAt)]),
  };
}

/** A table of the old kind that says: all of this belongs to one partition of another kind. */
function protectiveRecord(sectors: number): Uint8Array {
  const record = new Uint8Array(SECTOR - RECORD_AT);
  const view = new DataView(record.buffer);
  record.set([0x00, 0x00, 0x02, 0x00, 0xee, ...cylinderHeadSector(sectors - 1)]);
  view.setUint32(8, 1, true);
  view.setUint32(12, Math.min(sectors - 1, 0xffff_ffff), true);
  record.set([0x55, 0xaa], 510 - RECORD_AT);
  return record;
}

/** The old address of a sector, or the highest there is. */
function cylinderHeadSector(sector: number): [number, number, number] {
  const [heads, track] = [255, 63];
  const cylinder = Math.floor(sector / track / heads);
  if (cylinder > 1023) return [0xff, 0xff, 0xff];
  const head = Math.floor(sector / track) % heads;
  return [head, (sector % track + 1) | ((cylinder >> 8) << 6), cylinder & 0xff];
}

interface HeaderPlaces {
  readonly self: number;
  readonly other: number;
  readonly entriesAt: number;
}

function packHeader(
  guid: string,
  places: HeaderPlaces,
  last: number,
  entries: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(SECTOR);
  const view = new DataView(header.buffer);
  header.set(new TextEncoder().encode(SIGNATURE));
  view.setUint32(8, REVISION, true);
  view.setUint32(12, HEADER_BYTES, true);
  view.setBigUint64(24, BigInt(places.self), true);
  view.setBigUint64(32, BigInt(places.other), true);
  view.setBigUint64(40, BigInt(1 + TABLE_SECTORS), true);
  view.setBigUint64(48, BigInt(last - TABLE_SECTORS), true);
  header.set(packGuid(guid), 56);
  view.setBigUint64(72, BigInt(places.entriesAt), true);
  view.setUint32(80, ENTRIES, true);
  view.setUint32(84, ENTRY_BYTES, true);
  view.setUint32(88, crc32(entries), true);
  view.setUint32(16, crc32(header.subarray(0, HEADER_BYTES)), true);
  return header;
}

function packEntries(partitions: readonly GptPartition[]): Uint8Array {
  const entries = new Uint8Array(ENTRIES * ENTRY_BYTES);
  const view = new DataView(entries.buffer);
  for (const { number, type, guid, first, last, attributes, name } of partitions) {
    const at = (number - 1) * ENTRY_BYTES;
    entries.set(packGuid(type), at);
    entries.set(packGuid(guid), at + 16);
    view.setBigUint64(at + 32, BigInt(first), true);
    view.setBigUint64(at + 40, BigInt(last), true);
    view.setBigUint64(at + 48, attributes, true);
    for (let unit = 0; unit < Math.min(name.length, NAME_UNITS); unit++) {
      view.setUint16(at + 56 + unit * 2, name.charCodeAt(unit), true);
    }
  }
  return entries;
}

/** The first three groups of a GUID are numbers, little-endian; the rest are bytes. */
function packGuid(guid: string): Uint8Array {
  return swapped(Uint8Array.fromHex(guid.replaceAll("-", "")));
}

function unpackGuid(bytes: Uint8Array): string {
  const hex = swapped(bytes.slice()).toHex();
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20]].map((ends) => hex.slice(...ends)).join("-");
}

function swapped(bytes: Uint8Array): Uint8Array {
  for (const [start, end] of [[0, 4], [4, 6], [6, 8]]) bytes.subarray(start, end).reverse();
  return bytes;
}
