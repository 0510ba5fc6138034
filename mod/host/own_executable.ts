/**
 * The agent's own executable, as bytes.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../core/mod.ts";
import { runFirst } from "./_program.ts";
import { TOOLS } from "./tools.ts";

/** Where the executable is seen while it is read: the agent may read below this directory alone. */
const PLACE = "/run/kubesolo-update/self";

/**
 * Runs `body` with a path under which the running executable can be read, wherever it lies. A place
 * that the agent may not read is seen through a bind mount of this one file, which ends with `body`.
 * One process at a time.
 *
 * @throws {UpdateError} `slot` where it cannot be seen.
 */
export async function withOwnExecutable<T>(body: (path: string) => Promise<T>): Promise<T> {
  const path = Deno.execPath();
  if (await canRead(path)) return await body(path);
  // left over from a process that was killed
  await runFirst(TOOLS.umount, [PLACE]);
  const failure = (found: string, cause?: unknown) =>
    new UpdateError("slot", {
      operation: `reading this very executable, ${path}`,
      found,
      advice:
        "run it as root; or put it in place by hand, `install -m 755 kubesolo-update /usr/local/bin`, and run that",
      cause,
    });
  try {
    await Deno.writeFile(PLACE, new Uint8Array(), { mode: 0o600 });
  } catch (error) {
    throw failure(reasonOf(error), error);
  }
  const end = await runFirst(TOOLS.mount, ["-o", "bind", path, PLACE]);
  if (!end?.success) throw failure(end?.complaint ?? "there is no mount(8)");
  try {
    return await body(PLACE);
  } finally {
    await runFirst(TOOLS.umount, [PLACE]);
    await Deno.remove(PLACE).catch(() => {}); // still busy: the next one unmounts it
  }
}

async function canRead(path: string): Promise<boolean> {
  return (await Deno.permissions.query({ name: "read", path })).state === "granted";
}
