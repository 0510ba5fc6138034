/**
 * Which init this node has.
 *
 * @module
 */

import { bootArguments, type Disk, readSmall } from "../core/mod.ts";
import { MAX_ATTRIBUTE_BYTES, MAX_COMMAND_LINE_BYTES } from "./boot.ts";
import { HOST_VIEW } from "./view.ts";

/** The inits that know of the agent. */
export const INITS = ["systemd", "openrc", "kubesolo"] as const;

/** One of {@linkcode INITS}. */
export type InitName = typeof INITS[number];

/** Where OpenRC says which level it has reached. */
const OPENRC_LEVEL = "/run/openrc/softlevel";

/** An init, and what gives it away. */
export interface FoundInit {
  /** Which one. */
  readonly init: InitName;
  /** What was found: "process 1 is systemd". */
  readonly because: string;
}

/**
 * The init that booted this node; undefined where it is none of {@linkcode INITS}. KubeSolo's is the
 * one that is left where its GRUB has named a slot. The view must be there: see `ensureView`.
 */
export async function detectInit(
  disk: Disk,
  view: string = HOST_VIEW,
): Promise<FoundInit | undefined> {
  const text = async (path: string, limit: number) => {
    const bytes = await readSmall(disk, path, limit);
    return new TextDecoder().decode(bytes ?? new Uint8Array()).trim();
  };
  if (await text(`${view}/proc/1/comm`, MAX_ATTRIBUTE_BYTES) === "systemd") {
    return { init: "systemd", because: "process 1 is systemd" };
  }
  if (await disk.size(OPENRC_LEVEL) !== undefined) {
    return { init: "openrc", because: `${OPENRC_LEVEL} is there` };
  }
  const { slot } = bootArguments(await text(`${view}/proc/cmdline`, MAX_COMMAND_LINE_BYTES));
  return slot && {
    init: "kubesolo",
    because: `neither systemd nor OpenRC, and GRUB said ksolo.slot=${slot}`,
  };
}
