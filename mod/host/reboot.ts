/**
 * The way into a new slot.
 *
 * @module
 */

import { UpdateError } from "../core/mod.ts";
import { runFirst } from "./_program.ts";

const REBOOT_PROGRAMS = ["/usr/sbin/reboot", "/sbin/reboot"];

/**
 * Resolves when the node's init has been told to reboot; the agent may still run for some seconds.
 *
 * @throws {UpdateError} `slot` where that cannot be done.
 */
export async function reboot(programs: readonly string[] = REBOOT_PROGRAMS): Promise<void> {
  const end = await runFirst(programs, []);
  if (end?.success) return;
  throw new UpdateError("slot", {
    operation: "rebooting",
    found: end ? `${end.path}: ${end.complaint}` : `neither ${programs.join(" nor ")} can be run`,
    advice: "reboot the node by hand: everything that the update needs is on disk",
  });
}
