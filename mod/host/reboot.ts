/**
 * The way into a new slot.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../core/mod.ts";
import { runFirst } from "./_program.ts";
import { TOOLS } from "./tools.ts";

/**
 * Where a reboot is asked for when there is no program for it, as in a container: whoever makes this
 * directory promises to reboot the node soon after a file `reboot` appears in it.
 */
export const REQUESTS = "/run/kubesolo-update/requests";

/**
 * Resolves when the node's init has been told to reboot, or, without such a program, whoever watches
 * {@linkcode REQUESTS} has been asked; the agent may still run for some time.
 *
 * @throws {UpdateError} `slot` where neither can be done.
 */
export async function reboot(
  programs: readonly string[] = TOOLS.reboot,
  requests: string = REQUESTS,
): Promise<void> {
  const end = await runFirst(programs, []);
  if (end?.success) return;
  const found = end ? `${end.path}: ${end.complaint}` : await leaveRequest(programs, requests);
  if (found === undefined) return;
  throw new UpdateError("slot", {
    operation: "rebooting",
    found,
    advice: "reboot the node by hand: everything that the update needs is on disk",
  });
}

/** Why it cannot be left. */
async function leaveRequest(
  programs: readonly string[],
  requests: string,
): Promise<string | undefined> {
  try {
    await Deno.writeTextFile(`${requests}/reboot`, "kubesolo-update asks for a reboot\n");
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "is not there" : reasonOf(error);
    return `neither ${programs.join(" nor ")} can be run, and ${requests} ${reason}`;
  }
}
