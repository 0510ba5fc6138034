/**
 * GUID partition tables, written.
 *
 * @module
 */

import { concat } from "@std/bytes/concat";
import { crc32 } from "node:zlib";
import { packGuid } from "./_guid.ts";
import { ENTRIES, ENTRY_BYTES, HEADER_BYTES, SIGNATURE } from "./_layout.ts";
import { type GptPartition, type GptTable, RECORD_AT, SECTOR, TABLE_SECTORS } from "./gpt.ts";

const REVISION = 0x00010000;
const NAME_UNITS = 36;

/** A table as bytes. */
export interface PackedTable {
  /** Bytes from {@linkcode RECORD_AT} on of the first sector: all of this belongs to something else. */
  readonly record: Uint8Array;
  /** From the second sector on. */
  readonly first: Uint8Array;
  /** The disk's last sectors. */
  readonly second: Uint8Array;
}

/** `table` for a disk of `sectors` sectors: the bytes that sgdisk writes. */
export function packTable(table: GptTable, sectors: number): PackedTable {
  const entries = packEntries(table.partitions);
  const last = sectors - 1;
  const secondAt = sectors - TABLE_SECTORS;
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
