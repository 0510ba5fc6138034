/**
 * The parts of a node: its disk, its slots, its boot environment, its state.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { GrubBootEnv, GrubEditenv, type GrubPlace } from "../boot/mod.ts";
import {
  type BootEnv,
  type Disk,
  LABELS,
  quietly,
  type Reporter,
  type SlotStore,
  UpdateError,
} from "../core/mod.ts";
import { DenoDisk, FileStateStore, HOST_VIEW } from "../host/mod.ts";
import { CommandMounts, DevicePartitions, PartitionSlotStore } from "../slots/mod.ts";
import type { SettingFlags } from "./read_settings.ts";
import { scopedPath } from "./scope.ts";

/** Where slots and the ESP are mounted while the agent works in them. */
export const MOUNT_DIRECTORY = "/run/kubesolo-update/mnt";

/** Where grub-editenv makes new environment blocks. */
const SCRATCH_DIRECTORY = "/run/kubesolo-update/scratch";

const GRUB_DIRECTORY = "grub";

/** The flags that say where things are. */
export interface PlaceFlags extends SettingFlags {
  readonly disk?: string;
  readonly grubenv?: string;
  readonly state: string;
  readonly force?: boolean;
  readonly offlineTime?: Date;
  readonly from?: string;
  readonly plainHttp?: boolean;
  readonly stallTimeout?: number;
  readonly timeout?: number;
  readonly deadline?: number;
  readonly jitter?: number;
}

/** The same, looked at. */
export interface Places {
  readonly state: string;
  readonly conf?: string;
  readonly grubenv?: string;
}

/**
 * Where things are.
 *
 * @throws {UpdateError} `usage` where that is outside of what the agent may touch.
 */
export async function checkPlaces({ state, conf, grubenv }: PlaceFlags): Promise<Places> {
  return {
    state: await scopedPath("--state", state, "write"),
    conf: conf === undefined ? undefined : await scopedPath("--conf", conf, "read"),
    grubenv: grubenv === undefined ? undefined : await scopedPath("--grubenv", grubenv, "write"),
  };
}

/** Everything of a node but its boot; nothing is touched before a method is called. */
export interface Parts {
  readonly disk: Disk;
  readonly partitions: DevicePartitions;
  /** Where GRUB's files are. */
  readonly grub: GrubPlace;
  readonly mounts: CommandMounts;
  readonly slots: SlotStore;
  readonly bootEnv: BootEnv;
  readonly states: FileStateStore;
}

/** The parts of the node that flags name, for who only watches and takes no lock. */
export async function watchParts(flags: PlaceFlags, reporter: Reporter): Promise<Parts> {
  return partsOf(new DenoDisk(), flags, await checkPlaces(flags), quietly(reporter));
}

/** The parts of the node; what they report goes to `reporter`. */
export function partsOf(
  disk: Disk,
  { disk: device }: PlaceFlags,
  places: Places,
  reporter: Reporter,
): Parts {
  const partitions = new DevicePartitions({ view: HOST_VIEW, disk: device });
  const mounts = new CommandMounts({ view: HOST_VIEW, directory: MOUNT_DIRECTORY });
  const grub: GrubPlace = places.grubenv === undefined
    ? (access, body) =>
      partitions.find(LABELS.efi).then((esp) =>
        mounts.using(esp, access, (directory) => body(`${directory}/${GRUB_DIRECTORY}`))
      )
    : besideFile(places.grubenv);
  const editor = new GrubEditenv({ scratch: SCRATCH_DIRECTORY });
  const workDirectory = dirname(places.state);
  return {
    disk,
    partitions,
    mounts,
    grub,
    slots: new PartitionSlotStore({ disk, partitions, mounts, reporter, workDirectory }),
    bootEnv: new GrubBootEnv({ disk, place: grub, editor }),
    states: new FileStateStore(disk, places.state),
  };
}

function besideFile(grubenv: string): GrubPlace {
  if (basename(grubenv) !== "grubenv") {
    throw new UpdateError("usage", {
      operation: "reading --grubenv",
      found: `a file called ${basename(grubenv)}`,
      advice: "GRUB reads grubenv and grubenv.bak: name a file called grubenv",
    });
  }
  return (_access, body) => body(dirname(grubenv));
}
