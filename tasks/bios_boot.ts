/**
 * GRUB on a disk that a BIOS starts: its first stage in the first sector, its second stage (core.img)
 * in a partition of its own. It is what `grub-bios-setup` does, which wants real devices.
 *
 * @module
 */

import { SECTOR } from "../mod/provision/mod.ts";
import { BIOS_BOOT } from "./disk_layout.ts";

/** Bytes of the first sector before the disk's signature and its partition table. */
const BOOT_CODE_BYTES = 440;

/** Fields of boot.img (grub-core/boot/i386/pc/boot.S). */
const KERNEL_SECTOR = 0x5c; // 8 bytes: the sector that core.img starts in
const BOOT_DRIVE = 0x64; // 1 byte: 0xff means the drive that the BIOS started from
const DRIVE_CHECK = 0x66; // 2 bytes: a jump that is replaced, since some BIOSes pass a wrong drive
const NO_OPERATIONS = [0x90, 0x90];

/** The first entry of core.img's block list (diskboot.S): where the rest of core.img is. */
const BLOCK_LIST = 0x1f4;
const SEGMENT = 0x820;

/**
 * Resolves when `image` starts GRUB's `core` on a BIOS; its partition table stays as it is. GRUB's first
 * stage is `boot.img` among its `parts`.
 *
 * @throws {Error} where core does not fit, or is not laid out as expected.
 */
export async function embedGrub(image: string, core: Uint8Array, parts: string): Promise<void> {
  const boot = bootSector(await Deno.readFile(`${parts}/boot.img`));
  const second = secondStage(core);
  using file = await Deno.open(image, { read: true, write: true });
  await writeAt(file, 0, boot.subarray(0, BOOT_CODE_BYTES));
  await writeAt(file, SECTOR - 2, boot.subarray(SECTOR - 2));
  await writeAt(file, BIOS_BOOT.first * SECTOR, second);
}

function bootSector(original: Uint8Array): Uint8Array {
  if (original.length !== SECTOR) {
    throw new Error(`GRUB's boot.img: wanted ${SECTOR} bytes, found ${original.length}`);
  }
  const boot = original.slice();
  const view = new DataView(boot.buffer);
  view.setBigUint64(KERNEL_SECTOR, BigInt(BIOS_BOOT.first), true);
  view.setUint8(BOOT_DRIVE, 0xff);
  boot.set(NO_OPERATIONS, DRIVE_CHECK);
  boot.set([0x55, 0xaa], SECTOR - 2);
  return boot;
}

function secondStage(original: Uint8Array): Uint8Array {
  const sectors = Math.ceil(original.length / SECTOR);
  const room = BIOS_BOOT.last - BIOS_BOOT.first + 1;
  if (sectors > room) {
    throw new Error(`GRUB's core.img: wanted at most ${room} sectors, found ${sectors}`);
  }
  const core = new Uint8Array(sectors * SECTOR);
  core.set(original);
  const view = new DataView(core.buffer);
  const length = view.getUint16(BLOCK_LIST + 8, true);
  const segment = view.getUint16(BLOCK_LIST + 10, true);
  if (segment !== SEGMENT || (length !== 0 && length !== sectors - 1)) {
    throw new Error(
      `GRUB's core.img: wanted a block list at segment ${SEGMENT}, found ${length} sectors at ${segment}`,
    );
  }
  view.setBigUint64(BLOCK_LIST, BigInt(BIOS_BOOT.first + 1), true);
  view.setUint16(BLOCK_LIST + 8, sectors - 1, true);
  return core;
}

async function writeAt(file: Deno.FsFile, offset: number, bytes: Uint8Array): Promise<void> {
  await file.seek(offset, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
