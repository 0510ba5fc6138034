/**
 * The node's memory.
 *
 * @module
 */

import { type Disk, readSmall, reasonOf, UpdateError } from "../core/mod.ts";
import { HOST_VIEW } from "./view.ts";

/** Most bytes that are read of /proc/meminfo: it has some fifty lines. */
export const MAX_MEMINFO_BYTES = 64 << 10;

/**
 * Memory in bytes, as the kernel counts it in /proc/meminfo (proc_meminfo(5)): what it manages, and
 * what programs could still have without swapping. The view must be there: see {@linkcode ensureView}.
 *
 * @throws {UpdateError} `slot` where it cannot be read, or does not say so.
 */
export async function readMemory(
  disk: Disk,
  view: string = HOST_VIEW,
): Promise<{ readonly total: number; readonly available: number }> {
  const path = `${view}/proc/meminfo`;
  const failure = (found: string, cause?: unknown) =>
    new UpdateError("slot", {
      operation: `reading ${path}`,
      found,
      advice: "see that /proc is mounted, and run it as root",
      cause,
    });
  let bytes: Uint8Array | null;
  try {
    bytes = await readSmall(disk, path, MAX_MEMINFO_BYTES);
  } catch (error) {
    throw failure(reasonOf(error), error);
  }
  const text = new TextDecoder().decode(bytes ?? undefined);
  const of = (name: string) => {
    const kibibytes = new RegExp(`^${name}:\\s*(\\d{1,12}) kB$`, "m").exec(text)?.[1];
    if (kibibytes === undefined) throw failure(`no line ${name}`);
    return Number(kibibytes) * 1024;
  };
  return { total: of("MemTotal"), available: of("MemAvailable") };
}
