/**
 * Finds partitions by what they are called.
 *
 * @module
 */

import { LABELS, type Partition, type Partitions, reasonOf, UpdateError } from "../core/mod.ts";
import { type BlockDevice, listPartitions } from "./_block_devices.ts";
import { readSuperblock } from "./_read_superblock.ts";

/** Where partitions are looked for. */
export interface DevicePartitionsOptions {
  /** Directory that shows the machine's `dev` and `sys`: `/run/kubesolo-update/host`. */
  readonly view: string;
  /** Look on this disk only: `/dev/vda`, or a link to it below `/dev/disk`. */
  readonly disk?: string;
}

/** One partition, with all that could give it a name. */
export interface PartitionFacts {
  /** For messages: `/dev/vda2`. */
  readonly device: string;
  /** The disk that it is on, as the kernel calls it: `vda`. */
  readonly disk: string;
  /** Its size. */
  readonly bytes: number;
  /** Its name in the GPT. */
  readonly gptName?: string;
  /** Its file system's type, where it is one that the agent knows. */
  readonly fileSystem?: string;
  /** Its file system's label. */
  readonly label?: string;
  /** What is wrong with its file system, or why that cannot be read. */
  readonly problem?: string;
}

/**
 * The partitions of the machine's disks, looked up anew each time: by GPT partition name, as the
 * kernel gives it, and only where none has it by file-system label.
 */
export class DevicePartitions implements Partitions {
  #view: string;
  #disk?: string;

  /** Nothing is read until {@linkcode find}. */
  constructor({ view, disk }: DevicePartitionsOptions) {
    this.#view = view;
    this.#disk = disk;
  }

  /**
   * The one partition called `label`.
   * @throws {UpdateError} `slot` where there is none, or more than one; all are then named.
   */
  async find(label: string): Promise<Partition> {
    const operation = `looking for the partition ${label}`;
    const devices = await this.#devices(operation);
    const byName = devices.filter(({ gptName }) => gptName === label);
    const { labelled, unread } = byName.length > 0
      ? { labelled: [], unread: [] }
      : await this.#byFileSystem(devices, label);
    const [first, ...others] = byName.length > 0 ? byName : labelled;
    if (!first) {
      const where = this.#disk ?? `the ${devices.length} partitions of this machine`;
      throw new UpdateError("slot", {
        operation,
        found: [`no such GPT name or file-system label on ${where}`, ...unread].join(", "),
        advice: this.#disk
          ? "name the disk that the node was installed on with --disk"
          : "run it on a node that was installed from the image, as root",
      });
    }
    if (others.length > 0) {
      const all = [first, ...others].map(({ node }) => `/dev/${node}`).join(" and ");
      throw new UpdateError("slot", {
        operation,
        found: `${all} are all called so`,
        advice: "take the other disk out, or name the right one with --disk",
      });
    }
    return {
      label,
      device: `/dev/${first.node}`,
      path: `${this.#view}/dev/${first.node}`,
      foundBy: byName.length > 0 ? "gpt" : "file-system",
    };
  }

  /**
   * All partitions, whatever they are called. Nothing is mounted.
   * @throws {UpdateError} `slot` where they cannot be listed.
   */
  async list(): Promise<PartitionFacts[]> {
    const devices = await this.#devices("listing the partitions of this machine");
    return await Promise.all(devices.map(async ({ node, disk, bytes, gptName }) => {
      const facts = { device: `/dev/${node}`, disk, bytes, gptName };
      try {
        const found = await readSuperblock(`${this.#view}/dev/${node}`);
        return {
          ...facts,
          fileSystem: found?.type,
          label: found?.label,
          ...(found?.damaged ? { problem: "the kernel found damage in its file system" } : {}),
        };
      } catch (error) {
        return { ...facts, problem: `it cannot be read: ${reasonOf(error)}` };
      }
    }));
  }

  async #devices(operation: string): Promise<BlockDevice[]> {
    try {
      const devices = await listPartitions(this.#view);
      if (this.#disk === undefined) return devices;
      // also resolves the links below /dev/disk
      const path = await Deno.realPath(`${this.#view}${this.#disk}`);
      const name = path.slice(path.lastIndexOf("/dev/") + "/dev/".length).replaceAll("/", "!");
      return devices.filter(({ disk }) => disk === name);
    } catch (error) {
      throw new UpdateError("slot", {
        operation,
        found: reasonOf(error),
        advice: this.#disk
          ? `check that ${this.#disk} is there, and run it as root`
          : "check that /sys is mounted, and run it as root",
        cause: error,
      });
    }
  }

  /** A partition that the GPT calls by another of the system's names is never taken. */
  async #byFileSystem(devices: readonly BlockDevice[], label: string) {
    const reserved: readonly string[] = Object.values(LABELS);
    const labelled: BlockDevice[] = [];
    const unread: string[] = [];
    for (const device of devices) {
      if (device.gptName !== undefined && reserved.includes(device.gptName)) continue;
      try {
        const found = await readSuperblock(`${this.#view}/dev/${device.node}`);
        if (found?.label === label) labelled.push(device);
      } catch (error) {
        // an empty card reader must not stop an update of the disk beside it
        unread.push(`/dev/${device.node} could not be read (${reasonOf(error)})`);
      }
    }
    return { labelled, unread };
  }
}
