/**
 * FAT32 inside an image file, by mtools.
 *
 * @module
 */

import { dirname } from "@std/path";
import { SECTOR } from "../mod/provision/mod.ts";
import { buildEpoch } from "./epoch.ts";
import { run } from "./run.ts";

/** A file system in an image. */
export interface FatPlace {
  readonly image: string;
  /** Bytes from the start of the image. */
  readonly offset: number;
}

/** Largest ESP with clusters of one sector; FAT32 wants at least 65,525 clusters. */
const SMALL = 128 << 20;

/** Resolves when there is an empty file system of `size` bytes. `serial`: eight hexadecimal digits. */
export async function makeFat(
  { image, offset }: FatPlace,
  { label, serial, size }: { label: string; serial: string; size: number },
): Promise<void> {
  const first = String(offset / SECTOR);
  await run("mkfs.fat", [
    ...["--invariant", "-F", "32", "-n", label, "-i", serial],
    ...size <= SMALL ? ["-s", "1"] : [],
    ...[`--offset=${first}`, "-h", first, image, String(size / 1024)],
  ]);
}

/** Resolves when the file `path` (no leading slash) has `bytes`; directories above it are made. */
export async function writeFat(place: FatPlace, path: string, bytes: Uint8Array): Promise<void> {
  await makeDirectories(place, dirname(path));
  await mtools("mcopy", place, ["-o", "-", `::/${path}`], bytes);
}

/**
 * The bytes of the file `path`.
 *
 * @throws {ProgramError} where there is none.
 */
export async function readFat(place: FatPlace, path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await mtools("mtype", place, [`::/${path}`]);
}

/** Resolves when there is no file `path`, where there was one. */
export async function removeFat(place: FatPlace, path: string): Promise<void> {
  await mtools("mdel", place, [`::/${path}`]);
}

async function makeDirectories(place: FatPlace, directory: string): Promise<void> {
  const parts = directory.split("/").filter((part) => part && part !== ".");
  for (let depth = 1; depth <= parts.length; depth++) {
    const path = parts.slice(0, depth).join("/");
    const there = await mtools("mdir", place, ["-b", `::/${path}`]).then(() => true, () => false);
    if (!there) await mtools("mmd", place, [`::/${path}`]);
  }
}

async function mtools(
  program: string,
  { image, offset }: FatPlace,
  args: readonly string[],
  input?: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  return await run(program, ["-i", `${image}@@${offset}`, ...args], {
    input,
    // Sizes that are no multiple of a track are no mistake here.
    env: { MTOOLS_SKIP_CHECK: "1", SOURCE_DATE_EPOCH: String(buildEpoch()), TZ: "UTC" },
  });
}
