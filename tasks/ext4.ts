/**
 * ext4 inside an image file, without root and without loop devices.
 *
 * @module
 */

import { commandsFor, type Ext4Entry } from "../mod/provision/mod.ts";
import { buildEpoch } from "./epoch.ts";
import { ProgramError, run, runBoth } from "./run.ts";

/** Features that GRUB 2.06 and every kernel since 4.4 read; nothing is left to local defaults. */
const FEATURES = [
  ...["none", "has_journal", "ext_attr", "resize_inode", "dir_index", "filetype", "extent"],
  ...["64bit", "flex_bg", "sparse_super", "large_file", "huge_file", "dir_nlink"],
  ...["extra_isize", "metadata_csum"],
];

/** A file system in an image. */
export interface Ext4Place {
  readonly image: string;
  /** Bytes from the start of the image. */
  readonly offset: number;
}

/** Resolves when there is an empty file system of `size` bytes; the same arguments, the same bytes. */
export async function makeExt4(
  place: Ext4Place,
  { label, uuid, size }: { label: string; uuid: string; size: number },
): Promise<void> {
  const extended = [
    `offset=${place.offset}`,
    "root_owner=0:0",
    `hash_seed=${uuid}`,
    ...["lazy_itable_init=1", "lazy_journal_init=1", "nodiscard"],
  ];
  await run("mke2fs", [
    ...["-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-i", "16384", "-m", "0"],
    ...["-L", label, "-U", uuid, "-O", FEATURES.join(","), "-E", extended.join(",")],
    ...[place.image, `${size / 1024}k`],
  ], { env: fixedTime() });
}

/** Resolves when `entries` are there, owned by root; a directory comes before what is in it. */
export async function fillExt4(place: Ext4Place, entries: readonly Ext4Entry[]): Promise<void> {
  await editExt4(place, entries.flatMap(commandsFor));
}

/**
 * Runs commands of debugfs that change the file system.
 *
 * @throws {ProgramError} where one fails; those before it were carried out.
 */
export async function editExt4(place: Ext4Place, commands: readonly string[]): Promise<void> {
  if (commands.length > 0) await debugfs(place, ["-w", "-f", "/dev/stdin"], commands.join("\n"));
}

/**
 * What one command of debugfs prints; the image stays as it is.
 *
 * @throws {ProgramError} where it fails.
 */
export async function askExt4(
  place: Ext4Place,
  command: string,
): Promise<Uint8Array<ArrayBuffer>> {
  return await debugfs(place, ["-R", command]);
}

/** debugfs ends with 0 whatever happened: what it says on standard error is what counts. */
async function debugfs(
  place: Ext4Place,
  args: readonly string[],
  script?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const what = [...args, `${place.image}?offset=${place.offset}`];
  const { stdout, stderr } = await runBoth("debugfs", what, {
    env: fixedTime(),
    input: script === undefined ? undefined : new TextEncoder().encode(`${script}\n`),
  });
  const complaints = new TextDecoder().decode(stderr).replace(/^debugfs \d\S* \(.*\)\n/, "").trim();
  if (!complaints) return stdout;
  throw new ProgramError(["debugfs", ...what].join(" "), "complained", complaints);
}

function fixedTime(): Record<string, string> {
  return { E2FSPROGS_FAKE_TIME: String(buildEpoch()) };
}
