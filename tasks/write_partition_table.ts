/**
 * The GUID partition table of an image, written: the bytes that sgdisk writes, without the second that it
 * waits for kernels.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { BIOS_BOOT, DISK_GUID, type DiskPlan, SECTOR } from "./disk_layout.ts";

const HEADER_BYTES = 92;
const ENTRIES = 128;
const ENTRY_BYTES = 128;
const ENTRIES_SECTORS = (ENTRIES * ENTRY_BYTES) / SECTOR;
const REVISION = 0x00010000;

/** Types of partitions, by the codes of sgdisk. */
const TYPE_GUIDS = {
  ef00: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
  8300: "0fc63daf-8483-4772-8e79-3d69d8477de4",
  ef02: "21686148-6449-6e6f-744e-656564454649",
} as const;

/** Resolves when `image`, a file of the plan's size, has the plan's partitions, in both tables. */
export async function writePartitionTable(
  image: string,
  plan: DiskPlan,
  bios: boolean,
): Promise<void> {
  const sectors = plan.size / SECTOR;
  const entries = packEntries(plan, bios);
  const last = sectors - 1;
  using file = await Deno.open(image, { read: true, write: true });
  await writeSectors(file, 0, protectiveRecord(sectors));
  await writeSectors(file, 1, packHeader({ self: 1, other: last, entriesAt: 2 }, last, entries));
  await writeSectors(file, 2, entries);
  const secondAt = last - ENTRIES_SECTORS;
  await writeSectors(file, secondAt, entries);
  const second = { self: last, other: 1, entriesAt: secondAt };
  await writeSectors(file, last, packHeader(second, last, entries));
}

/** A table of the old kind that says: all of this belongs to one partition of another kind. */
function protectiveRecord(sectors: number): Uint8Array {
  const record = new Uint8Array(SECTOR);
  const view = new DataView(record.buffer);
  record.set([0x00, 0x00, 0x02, 0x00, 0xee, ...cylinderHeadSector(sectors - 1)], 446);
  view.setUint32(446 + 8, 1, true);
  view.setUint32(446 + 12, Math.min(sectors - 1, 0xffff_ffff), true);
  record.set([0x55, 0xaa], 510);
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

function packHeader(places: HeaderPlaces, last: number, entries: Uint8Array): Uint8Array {
  const header = new Uint8Array(SECTOR);
  const view = new DataView(header.buffer);
  header.set(new TextEncoder().encode("EFI PART"));
  view.setUint32(8, REVISION, true);
  view.setUint32(12, HEADER_BYTES, true);
  view.setBigUint64(24, BigInt(places.self), true);
  view.setBigUint64(32, BigInt(places.other), true);
  view.setBigUint64(40, BigInt(2 + ENTRIES_SECTORS), true);
  view.setBigUint64(48, BigInt(last - ENTRIES_SECTORS - 1), true);
  header.set(packGuid(DISK_GUID), 56);
  view.setBigUint64(72, BigInt(places.entriesAt), true);
  view.setUint32(80, ENTRIES, true);
  view.setUint32(84, ENTRY_BYTES, true);
  view.setUint32(88, crc32(entries), true);
  view.setUint32(16, crc32(header.subarray(0, HEADER_BYTES)), true);
  return header;
}

function packEntries(plan: DiskPlan, bios: boolean): Uint8Array {
  const partitions = plan.partitions.map((partition) => ({
    ...partition,
    name: partition.label,
    last: partition.first + partition.size / SECTOR - 1,
  }));
  const entries = new Uint8Array(ENTRIES * ENTRY_BYTES);
  const view = new DataView(entries.buffer);
  const extra = bios ? [{ ...BIOS_BOOT, type: "ef02" as const }] : [];
  for (const { number, type, guid, first, last, name } of [...partitions, ...extra]) {
    const at = (number - 1) * ENTRY_BYTES;
    entries.set(packGuid(TYPE_GUIDS[type]), at);
    entries.set(packGuid(guid), at + 16);
    view.setBigUint64(at + 32, BigInt(first), true);
    view.setBigUint64(at + 40, BigInt(last), true);
    [...name].forEach((letter, index) =>
      view.setUint16(at + 56 + index * 2, letter.charCodeAt(0), true)
    );
  }
  return entries;
}

/** The first three groups of a GUID are numbers, little-endian; the rest are bytes. */
function packGuid(guid: string): Uint8Array {
  const bytes = Uint8Array.from(
    guid.replaceAll("-", "").match(/../g) ?? [],
    (hex) => parseInt(hex, 16),
  );
  for (const [start, end] of [[0, 4], [4, 6], [6, 8]]) bytes.subarray(start, end).reverse();
  return bytes;
}

async function writeSectors(file: Deno.FsFile, sector: number, bytes: Uint8Array): Promise<void> {
  await file.seek(sector * SECTOR, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
