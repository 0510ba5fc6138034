/**
 * A new ext4 for a data partition.
 *
 * @module
 */

import { UpdateError } from "../../core/mod.ts";
import type { Extent } from "../../provision/mod.ts";

/** e2fsprogs' own, where the node's initramfs has it. */
const MKE2FS = "/usr/sbin/mke2fs";

/**
 * Resolves when there is an empty file system called `label` at that place of the disk at `path`.
 *
 * @throws {UpdateError} `slot` with the program's words.
 */
export async function makeDataFileSystem(
  path: string,
  place: Extent,
  label: string,
): Promise<void> {
  const extended = [`offset=${place.offset}`, "nodiscard", "lazy_itable_init=1"];
  const { success, stderr } = await new Deno.Command(MKE2FS, {
    args: [
      ...["-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-L", label],
      ...["-E", extended.join(","), path, `${Math.floor(place.size / 1024)}k`],
    ],
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new UpdateError("slot", {
    operation: `making a file system on ${path}`,
    found: new TextDecoder().decode(stderr).trim(),
    advice: "begin again; where it stays so, use another disk",
  });
}
