/**
 * Files among those of others, where the agent may touch its own names and nothing else: not even the
 * directory can be read.
 *
 * @module
 */

import { dirname } from "@std/path";
import { type DiskFile, reasonOf, UpdateError } from "../core/mod.ts";
import { runFirst } from "./_program.ts";
import { DenoDisk } from "./disk.ts";

const MKDIR_PROGRAMS = ["/usr/bin/mkdir", "/bin/mkdir"];

/**
 * Resolves when `path` durably has what `fill` wrote, and these permissions; after a power cut it has
 * either what it had or that. The directory is made where it is missing. With `backup`, what was there
 * is called so from then on, and nobody runs it any more.
 *
 * @throws {UpdateError} `slot` where it cannot be written.
 */
export async function placeFile(
  path: string,
  mode: number,
  fill: (file: DiskFile) => Promise<void> | void,
  backup?: string,
): Promise<void> {
  const disk = new DenoDisk({ fileMode: mode });
  const temporary = `${path}.new`;
  try {
    // left from a power cut, it would keep the permissions that it has
    await disk.remove(temporary);
    const file = await openIn(disk, temporary);
    try {
      await fill(file);
      await Deno.chmod(temporary, mode); // whatever the umask is
      await file.sync();
    } finally {
      file.close();
    }
    if (backup !== undefined) {
      await disk.remove(backup);
      await Deno.link(path, backup); // it has both names, so that no moment is without it
    }
    await disk.rename(temporary, path);
    await syncName(path);
    if (backup !== undefined) await retire(backup);
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw error instanceof UpdateError ? error : failure(`writing ${path}`, error);
  }
}

/**
 * Resolves when there is nothing at `path` any more. After a power cut it may be there again.
 *
 * @throws {UpdateError} `slot` where it cannot be removed.
 */
export async function removeFile(path: string): Promise<void> {
  try {
    await new DenoDisk().remove(path);
  } catch (error) {
    throw failure(`removing ${path}`, error);
  }
}

/** A service that may be run by two names would be two services. */
async function retire(path: string): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode !== null) await Deno.chmod(path, mode & 0o666);
  await syncName(path);
}

/**
 * fsync(2) of the directory would want it readable, and everything in it. Linux's file systems write a
 * new name with the file that has it.
 */
async function syncName(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}

async function openIn(disk: DenoDisk, path: string): Promise<DiskFile> {
  try {
    return await disk.open(path, "replace");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const end = await runFirst(MKDIR_PROGRAMS, ["-p", "-m", "755", dirname(path)]);
    if (!end?.success) throw new Error(end?.complaint ?? reasonOf(error));
    return await disk.open(path, "replace");
  }
}

function failure(operation: string, cause: unknown): UpdateError {
  return new UpdateError("slot", {
    operation,
    found: reasonOf(cause),
    advice:
      "see that its file system can be written and has room, and run it as root; what was there still is",
    cause,
  });
}
