import { type MountedAt, type Partition, reasonOf, UpdateError } from "../core/mod.ts";
import { deviceNumbers } from "./_block_devices.ts";
import { readMountTable } from "./_mount_table.ts";

/** Who has a partition mounted. */
export interface Holders {
  /** Mounts that are none of the agent's. */
  readonly foreign: readonly MountedAt[];
  /** Mounts of agents that still run; this one is among them. */
  readonly agents: readonly MountedAt[];
  /** Mounts of agents that were killed. */
  readonly abandoned: readonly MountedAt[];
}

/** How the names of mount points begin: with the process that made them. */
export const MOUNT_POINT_PREFIX = `${Deno.pid}-`;

/** The mounts of `partition` that this process sees; the agent's are those below `directory`. */
export async function holdersOf(
  partition: Partition,
  { view, directory }: { readonly view: string; readonly directory: string },
): Promise<Holders> {
  try {
    const device = await numbersOf(partition, view);
    const found = (await readMountTable(view, "self")).filter((mount) => mount.device === device);
    const own = found.filter((mount) => isBelow(directory, mount));
    const alive = await Promise.all(own.map((mount) => isMakerAlive(mount, view)));
    return {
      foreign: found.filter((mount) => !isBelow(directory, mount)),
      agents: own.filter((_, index) => alive[index]),
      abandoned: own.filter((_, index) => !alive[index]),
    };
  } catch (cause) {
    throw new UpdateError("slot", {
      operation: `looking where ${partition.device} is mounted`,
      found: reasonOf(cause),
      advice: "check that /proc and /sys are mounted, and run it as root",
      cause,
    });
  }
}

/** The same as init sees it: an agent in a pod or in a unit of its own may not see the node's mounts. */
export async function foreignToInit(
  partition: Partition,
  { view, directory }: { readonly view: string; readonly directory: string },
): Promise<readonly MountedAt[]> {
  const device = await numbersOf(partition, view);
  const found = await readMountTable(view, "1").catch(() => []);
  return found.filter((mount) => mount.device === device && !isBelow(directory, mount));
}

function numbersOf({ device }: Partition, view: string): Promise<string> {
  return deviceNumbers(view, device.replace(/^\/dev\//, "").replaceAll("/", "!"));
}

function isBelow(parent: string, { directory }: MountedAt): boolean {
  return directory.startsWith(`${parent}/`);
}

async function isMakerAlive({ directory }: MountedAt, view: string): Promise<boolean> {
  const name = directory.slice(directory.lastIndexOf("/") + 1);
  if (name.startsWith(MOUNT_POINT_PREFIX)) return true;
  const process = name.split("-")[0];
  return await Deno.stat(`${view}/proc/${process}`).then(() => true, () => false);
}
