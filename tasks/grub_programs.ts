/**
 * GRUB as programs that firmware starts: every module is inside, so that nothing but the configuration
 * is read from disk later.
 *
 * @module
 */

import type { Architecture } from "./elf.ts";
import { buildEpoch } from "./epoch.ts";
import { run } from "./run.ts";
import { ROOT } from "./sources.ts";
import type { Sysroot } from "./sysroot.ts";

/** Where this repository has `modules.txt`, `early.cfg` and `grub.cfg`. */
export const GRUB_DIRECTORY: string = `${ROOT}/deploy/grub`;

/** What GRUB runs on. */
export interface Platform {
  /** What starts GRUB. */
  readonly firmware: "bios" | "efi";
  /** GRUB's own name of it. */
  readonly name: string;
  /** Debian's package with GRUB's parts. */
  readonly package: string;
  /** Where GRUB looks for its configuration. */
  readonly prefix: string;
  /** The program on the ESP that the firmware starts. */
  readonly program?: string;
}

const BIOS: Platform = {
  firmware: "bios",
  name: "i386-pc",
  package: "grub-pc-bin",
  prefix: "(,gpt1)/grub",
};

/** Of each architecture (UEFI specification 2.10, 3.5.1.1: the names of the programs). */
export const PLATFORMS: Readonly<Record<Architecture, readonly Platform[]>> = {
  x86_64: [BIOS, efi("x86_64-efi", "grub-efi-amd64-bin", "BOOTX64.EFI")],
  aarch64: [efi("arm64-efi", "grub-efi-arm64-bin", "BOOTAA64.EFI")],
};

function efi(name: string, debianPackage: string, program: string): Platform {
  return {
    firmware: "efi",
    name,
    package: debianPackage,
    prefix: "/grub",
    program: `EFI/BOOT/${program}`,
  };
}

/** Where Debian has GRUB's parts for a platform, in `sysroot`. */
export function platformDirectory({ name }: Platform, sysroot: Sysroot): string {
  return sysroot.at(`/usr/lib/grub/${name}`);
}

/** Whether those parts are there. */
export function hasPlatform(platform: Platform, sysroot: Sysroot): boolean {
  try {
    return Deno.statSync(`${platformDirectory(platform, sysroot)}/modinfo.sh`).isFile;
  } catch {
    return false;
  }
}

/**
 * Resolves when `output` is GRUB for `platform`, `core.img` or a program for EFI: its `parts`, with the
 * modules and the early configuration in `directory`.
 */
export async function makeGrub(
  { name, prefix }: Platform,
  parts: string,
  output: string,
  directory: string = GRUB_DIRECTORY,
): Promise<void> {
  await run("grub-mkimage", [
    ...["-O", name, "-d", parts, "-p", prefix],
    ...["-c", `${directory}/early.cfg`, "-o", output],
    ...await modulesFor(parts, directory),
  ], { env: { SOURCE_DATE_EPOCH: String(buildEpoch()) } });
}

/** The words of `modules.txt`, without those that are not among GRUB's `parts` for a platform. */
async function modulesFor(parts: string, directory: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${directory}/modules.txt`);
  const listed = text.replaceAll(/#.*/g, "").split(/\s+/).filter(Boolean);
  const available = new Set(
    await Array.fromAsync(Deno.readDir(parts), ({ name }) => name),
  );
  return listed.filter((module) => available.has(`${module}.mod`));
}
