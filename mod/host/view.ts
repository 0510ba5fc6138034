/**
 * The agent's own view of /dev, /proc and /sys.
 *
 * A Deno program whose permissions are limited may open no file under those three, whatever it was
 * granted; the same files seen through another mount point are files like any other.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../core/mod.ts";
import { runFirst } from "./_program.ts";
import { TOOLS } from "./tools.ts";

/** Where the view is: `dev`, `proc` and `sys` lie below it. */
export const HOST_VIEW = "/run/kubesolo-update/host";

const UNMOUNT_PROGRAMS = ["/usr/bin/umount", "/bin/umount"];

/** What is mounted, and a path in it that shows that it is. */
const PARTS = [
  { name: "dev", probe: "null" },
  { name: "proc", probe: "sys/kernel/random/boot_id" },
  { name: "sys", probe: "dev/block" },
] as const;

/**
 * Resolves when `dev`, `proc` and `sys` can be read below `view`. What an init, a unit or a pod has
 * mounted there already is used as it is; the rest is bind-mounted, read-only but for what devices
 * take, and stays until the reboot.
 *
 * @throws {UpdateError} `slot` where they are not there and cannot be mounted.
 */
export async function ensureView(view: string = HOST_VIEW): Promise<void> {
  if (await missingParts(view).then((missing) => missing.length === 0)) return;
  try {
    await Deno.mkdir(view, { recursive: true });
    // two agents at once would mount everything twice, one above the other
    using turn = await Deno.open(`${view}/.lock`, { create: true, write: true });
    await turn.lock(true);
    for (const { name } of await missingParts(view)) await bind(view, name);
  } catch (error) {
    throw error instanceof UpdateError ? error : failure(view, reasonOf(error), error);
  }
  const [still] = await missingParts(view);
  if (still) throw failure(view, `${view}/${still.name} shows no ${still.probe} after mounting`);
}

/** Takes away what {@linkcode ensureView} has mounted at `view`; what is open through it stays open. */
export async function removeView(view: string): Promise<void> {
  for (const { name } of PARTS) {
    // lazily: a program that was started may have a device open for some moments yet
    await runFirst(UNMOUNT_PROGRAMS, ["-l", `${view}/${name}`]);
    // never what is in it, should it be mounted still
    await Deno.remove(`${view}/${name}`).catch(() => {});
  }
}

async function missingParts(view: string): Promise<readonly (typeof PARTS)[number][]> {
  const missing = [];
  for (const part of PARTS) {
    const seen = await Deno.lstat(`${view}/${part.name}/${part.probe}`).catch(() => undefined);
    if (!seen) missing.push(part);
  }
  return missing;
}

async function bind(view: string, name: string): Promise<void> {
  const target = `${view}/${name}`;
  await Deno.mkdir(target, { recursive: true });
  const end = await runFirst(TOOLS.mount, ["-o", "bind", `/${name}`, target]);
  if (!end) throw failure(view, `neither ${TOOLS.mount.join(" nor ")} can be run`);
  if (!end.success) throw failure(view, `${end.path} -o bind /${name} ${target}: ${end.complaint}`);
  // devices take writes all the same, but a careless `rm -r` cannot empty the node's /dev through it;
  // a kernel that refuses this leaves a view that works as well
  await runFirst(TOOLS.mount, ["-o", "remount,bind,ro", target]);
}

function failure(view: string, found: string, cause?: unknown): UpdateError {
  return new UpdateError("slot", {
    operation: `making /dev, /proc and /sys visible at ${view}`,
    found,
    advice: "run it as root, or have the init, unit or pod bind-mount the three there",
    cause,
  });
}
