/**
 * GRUB on an image: the ESP, and what a BIOS starts.
 *
 * @module
 */

import { SECTOR } from "../mod/provision/mod.ts";
import { embedGrub } from "./bios_boot.ts";
import type { DiskPlan } from "./disk_layout.ts";
import { makeFat, writeFat } from "./fat.ts";
import {
  GRUB_DIRECTORY,
  hasPlatform,
  makeGrub,
  type Platform,
  platformDirectory,
  PLATFORMS,
} from "./grub_programs.ts";
import { run } from "./run.ts";
import { warn } from "./screen.ts";
import type { Sysroot } from "./sysroot.ts";

/** FAT's serial number of the ESP. */
const ESP_SERIAL = "6B730001";

/**
 * Bytes between the two copies of the boot environment, so that a card or stick which loses a whole
 * erase block on a power cut loses one copy.
 */
const SPACER_BYTES = 4 << 20;

/**
 * The platforms that are asked for (a key that is left out asks too) and that `sysroot` has GRUB for. A
 * warning names the package of one that has to be left out.
 */
export function availablePlatforms(
  asked: Partial<Record<Platform["firmware"], boolean>>,
  sysroot: Sysroot,
): Platform[] {
  return PLATFORMS[sysroot.architecture]
    .filter((platform) => asked[platform.firmware] !== false && isThere(platform, sysroot));
}

function isThere(platform: Platform, sysroot: Sysroot): boolean {
  if (hasPlatform(platform, sysroot)) return true;
  const { package: name, firmware } = platform;
  const machines = firmware === "bios" ? "BIOS" : "UEFI";
  warn(
    `${machines} machines cannot start from this image: install ${name}, or say --no-${firmware}`,
  );
  return false;
}

/**
 * Resolves when the ESP of the image `output` is made and holds GRUB for `platforms` of `sysroot`, its configuration
 * from the directory `grub` or this repository's, and the boot environment in two copies: slot A, confirmed.
 */
export async function installGrub(
  output: string,
  plan: DiskPlan,
  platforms: readonly Platform[],
  sysroot: Sysroot,
  grub: string | undefined,
  scratch: string,
): Promise<void> {
  const sources = grub ?? GRUB_DIRECTORY;
  const [{ label, first, size }] = plan.partitions;
  const place = { image: output, offset: first * SECTOR };
  await makeFat(place, { label, serial: ESP_SERIAL, size });
  const environment = await bootEnvironment(scratch);
  await writeFat(place, "grub/grubenv", environment);
  await writeFat(place, "grub/spacer", new Uint8Array(SPACER_BYTES));
  await writeFat(place, "grub/grubenv.bak", environment);
  await writeFat(place, "grub/grub.cfg", await Deno.readFile(`${sources}/grub.cfg`));
  for (const platform of platforms) {
    const made = `${scratch}/${platform.name}`;
    const parts = platformDirectory(platform, sysroot);
    await makeGrub(platform, parts, made, sources);
    const bytes = await Deno.readFile(made);
    if (platform.program) await writeFat(place, platform.program, bytes);
    else await embedGrub(output, bytes, parts);
  }
}

/** Slot A, confirmed. */
async function bootEnvironment(scratch: string): Promise<Uint8Array> {
  const path = `${scratch}/grubenv`;
  await run("grub-editenv", [path, "create"]);
  await run("grub-editenv", [path, "set", "active_slot=A", "boot_counter=3", "boot_success=1"]);
  return await Deno.readFile(path);
}
