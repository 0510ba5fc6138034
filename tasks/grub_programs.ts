/**
 * GRUB as programs that firmware starts: every module is inside, so that nothing but the configuration
 * is read from disk later.
 *
 * @module
 */

import { buildEpoch } from "./epoch.ts";
import { run } from "./run.ts";
import { ROOT } from "./sources.ts";

/** Where this repository has `modules.txt`, `early.cfg` and `grub.cfg`. */
export const GRUB_DIRECTORY: string = `${ROOT}/deploy/grub`;

/** What GRUB runs on, by its own names, and what each needs. */
export const PLATFORMS = {
  bios: { name: "i386-pc", package: "grub-pc-bin", prefix: "(,gpt1)/grub", option: "--no-bios" },
  efi: {
    name: "x86_64-efi",
    package: "grub-efi-amd64-bin",
    prefix: "/grub",
    option: "--no-efi",
  },
} as const;

/** A key of {@linkcode PLATFORMS}. */
export type Platform = keyof typeof PLATFORMS;

/** Both of them. */
export const PLATFORM_NAMES: readonly Platform[] = ["bios", "efi"];

/** Where Debian has GRUB's parts for a platform. */
export function platformDirectory(platform: Platform): string {
  return `/usr/lib/grub/${PLATFORMS[platform].name}`;
}

/** Whether those parts are installed. */
export function hasPlatform(platform: Platform): boolean {
  try {
    return Deno.statSync(`${platformDirectory(platform)}/modinfo.sh`).isFile;
  } catch {
    return false;
  }
}

/**
 * Resolves when `output` is GRUB for `platform`, `core.img` or a program for EFI, with the modules and
 * the early configuration in `directory`.
 */
export async function makeGrub(
  platform: Platform,
  output: string,
  directory: string = GRUB_DIRECTORY,
): Promise<void> {
  const { name, prefix } = PLATFORMS[platform];
  await run("grub-mkimage", [
    ...["-O", name, "-d", platformDirectory(platform), "-p", prefix],
    ...["-c", `${directory}/early.cfg`, "-o", output],
    ...await modulesFor(platform, directory),
  ], { env: { SOURCE_DATE_EPOCH: String(buildEpoch()) } });
}

/** The words of `modules.txt`, without those that GRUB has not on this platform. */
async function modulesFor(platform: Platform, directory: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${directory}/modules.txt`);
  const listed = text.replaceAll(/#.*/g, "").split(/\s+/).filter(Boolean);
  const available = new Set(
    await Array.fromAsync(Deno.readDir(platformDirectory(platform)), ({ name }) => name),
  );
  return listed.filter((module) => available.has(`${module}.mod`));
}
