/**
 * Who may install: root, with the compiled agent, one at a time, on a node whose init is known.
 *
 * @module
 */

import { UpdateError } from "../../core/mod.ts";
import {
  DenoDisk,
  detectInit,
  ensureView,
  type FoundInit,
  type InitName,
  isRoot,
  UpdateLock,
} from "../../host/mod.ts";

/** Who installs holds the lock in this directory. */
const LOCK_DIRECTORY = "/run/kubesolo-update/install";

/** Runs `body` as root, while nobody else installs. */
export async function asInstaller<T>(body: (disk: DenoDisk) => Promise<T>): Promise<T> {
  if (!Deno.build.standalone) {
    throw new UpdateError("usage", {
      operation: "installing this executable",
      found: `it is ${Deno.execPath()}, which runs the sources`,
      advice: "compile the agent with `deno task compile`, and run that",
    });
  }
  const disk = new DenoDisk();
  await ensureView();
  if (!await isRoot(disk)) {
    throw new UpdateError("refused", {
      operation: "installing this executable",
      found: "somebody else than root runs it",
      advice: "nothing was touched; run it as root",
    });
  }
  using _lock = await new UpdateLock(LOCK_DIRECTORY).acquire("install");
  return await body(disk);
}

/**
 * The init that was named, or the one that is there.
 *
 * @throws {UpdateError} `usage` where none was named and none is known.
 */
export async function chooseInit(disk: DenoDisk, named?: InitName): Promise<FoundInit> {
  if (named) return { init: named, because: "--init says so" };
  const found = await detectInit(disk);
  if (found) return found;
  throw new UpdateError("usage", {
    operation: "looking for the init of this node",
    found: "neither systemd nor OpenRC, and no slot on the kernel's command line",
    advice: "name it: --init systemd, openrc or kubesolo",
  });
}
