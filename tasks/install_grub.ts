/**
 * GRUB on an image: the ESP, and what a BIOS starts.
 *
 * @module
 */

import { embedGrub } from "./bios_boot.ts";
import { type DiskPlan, SECTOR } from "./disk_layout.ts";
import { makeFat, writeFat } from "./fat.ts";
import {
  GRUB_DIRECTORY,
  hasPlatform,
  makeGrub,
  type Platform,
  PLATFORM_NAMES,
  PLATFORMS,
} from "./grub_programs.ts";
import { run } from "./run.ts";
import { warn } from "./screen.ts";

/** FAT's serial number of the ESP. */
const ESP_SERIAL = "6B730001";

/**
 * Bytes between the two copies of the boot environment, so that a card or stick which loses a whole
 * erase block on a power cut loses one copy.
 */
const SPACER_BYTES = 4 << 20;

/**
 * The platforms that are asked for (a key that is left out asks too) and that GRUB is installed for. A
 * warning names the package of one that has to be left out.
 */
export function availablePlatforms(asked: Partial<Record<Platform, boolean>>): Platform[] {
  return PLATFORM_NAMES.filter((platform) => asked[platform] !== false && isInstalled(platform));
}

function isInstalled(platform: Platform): boolean {
  if (hasPlatform(platform)) return true;
  const { package: name, option } = PLATFORMS[platform];
  const machines = platform === "bios" ? "BIOS" : "UEFI";
  warn(`${machines} machines cannot start from this image: install ${name}, or say ${option}`);
  return false;
}

/**
 * Resolves when the ESP of the image `output` is made and holds GRUB for `platforms`, its configuration
 * from the directory `grub` or this repository's, and the boot environment in two copies: slot A, confirmed.
 */
export async function installGrub(
  output: string,
  plan: DiskPlan,
  platforms: readonly Platform[],
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
    const program = `${scratch}/${platform}`;
    await makeGrub(platform, program, sources);
    const bytes = await Deno.readFile(program);
    if (platform === "bios") await embedGrub(output, bytes);
    else await writeFat(place, "EFI/BOOT/BOOTX64.EFI", bytes);
  }
}

/** Slot A, confirmed. */
async function bootEnvironment(scratch: string): Promise<Uint8Array> {
  const path = `${scratch}/grubenv`;
  await run("grub-editenv", [path, "create"]);
  await run("grub-editenv", [path, "set", "active_slot=A", "boot_counter=3", "boot_success=1"]);
  return await Deno.readFile(path);
}
