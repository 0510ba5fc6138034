/**
 * The two system partitions: looked into, written, read back.
 *
 * @module
 */

import {
  type Artifact,
  type Disk,
  LABELS,
  type Mounts,
  type Partition,
  type Partitions,
  reasonOf,
  type Release,
  type Reporter,
  type Room,
  type Slot,
  type SlotContents,
  type SlotStore,
  UpdateError,
  withFile,
} from "../core/mod.ts";
import { RESERVED_BYTES, writeFiles } from "./_files_writer.ts";
import { ImageHead } from "./_image_head.ts";
import { verifyImage, writeImage } from "./_image_writer.ts";
import { imageOf } from "./_release_kind.ts";
import { slotDisk } from "./_slot_disk.ts";
import {
  BOOT_FILES,
  describeFiles,
  keptFiles,
  promisedFiles,
  SUMS_FILE,
  verifyFiles,
  verifySums,
  VERSION_FILE,
} from "./_slot_files.ts";
import { UncleanFileSystem } from "./unclean_file_system.ts";

/** Bytes from one mark to the next: what a power cut costs at most, and the price of one fsync. */
export const MARK_BYTES = 64 << 20;

/** What {@linkcode PartitionSlotStore} works with. */
export interface PartitionSlotStoreOptions {
  /** What files and devices are read and written through. */
  readonly disk: Disk;
  /** Finds the slots. */
  readonly partitions: Partitions;
  /** Mounts them. */
  readonly mounts: Mounts;
  /** Hears how far reading back got. */
  readonly reporter: Reporter;
  /** Durable directory on the data partition, made when needed: `/var/lib/kubesolo/update`. */
  readonly workDirectory: string;
  /** {@linkcode MARK_BYTES} where absent. */
  readonly markBytes?: number;
}

/** {@linkcode SlotStore} over the partitions `KSOLOA` and `KSOLOB`. */
export class PartitionSlotStore implements SlotStore {
  #options: PartitionSlotStoreOptions;

  /** Nothing is touched until a method is called. */
  constructor(options: PartitionSlotStoreOptions) {
    this.#options = options;
  }

  /**
   * Looks into a slot without writing a byte to it; no file is hashed.
   * @throws {UpdateError} `slot` where there is no such partition, or more than one.
   */
  async inspect(slot: Slot): Promise<SlotContents> {
    const { disk, partition } = await this.#open(slot);
    try {
      return await this.#options.mounts.using(
        partition,
        "read",
        (directory) => describeFiles(disk, directory),
      );
    } catch (error) {
      if (!(error instanceof UpdateError)) throw error;
      return { problem: reasonOf(error) };
    }
  }

  /**
   * What is free in the slot, and what writing the release would replace; nothing is written.
   * @throws {UpdateError} `slot` where there is no such partition, it is mounted elsewhere, or it
   * cannot take this kind of release; `verification` where the release is of no kind.
   */
  async room(slot: Slot, release: Release): Promise<Room> {
    const { disk, partition, where } = await this.#open(slot);
    await this.#refuseMounted(partition, where);
    if (imageOf(release)) {
      refuseNameless(partition, where);
      return { available: await sizeOf(disk, partition) };
    }
    try {
      return await this.#options.mounts.using(partition, "read", async (directory) => {
        let available = await disk.free(directory) - RESERVED_BYTES;
        for (const name of [...BOOT_FILES, VERSION_FILE, SUMS_FILE]) {
          available += await disk.size(`${directory}/${name}`) ?? 0;
        }
        const kept = await keptFiles(disk, directory, release.artifacts);
        return { available: Math.max(0, available), kept };
      });
    } catch (error) {
      // writing repairs it, and finds out how much fits
      if (!(error instanceof UncleanFileSystem)) throw error;
      return { available: await sizeOf(disk, partition) };
    }
  }

  /**
   * Resolves only when `slot`, read back from its disk, is the release. While it works, and after it
   * failed, nothing in the slot can be booted.
   * @throws {UpdateError} `slot` where it cannot be written, where it is the running one, or where it
   * is mounted elsewhere; `verification` where it reads back differently; and whatever `fetch` throws.
   */
  async write(slot: Slot, order: Parameters<SlotStore["write"]>[1]): Promise<void> {
    const { workDirectory, markBytes = MARK_BYTES, mounts, reporter } = this.#options;
    if (slot === order.running) {
      throw new UpdateError("slot", {
        operation: `writing slot ${slot}`,
        found: "it is the slot that runs",
        advice: "nothing was written; only the other slot is ever written",
      });
    }
    const image = imageOf(order.release);
    const { disk, partition, where } = await this.#open(slot);
    await this.#refuseMounted(partition, where);
    if (image) refuseNameless(partition, where);
    const work = { disk, mounts, partition, where, reporter, markBytes, order };
    const heads = new ImageHead(this.#options.disk, workDirectory);
    await (image ? writeImage(work, image, heads) : writeFiles(work));
  }

  /**
   * Resolves when every byte of the slot was read and matched: to `artifacts` where given, else to
   * the slot's own `SHA256SUMS`.
   * @throws {UpdateError} `verification` where it does not match, `slot` where it cannot be read.
   */
  async verify(slot: Slot, artifacts?: readonly Artifact[]): Promise<void> {
    const { mounts, reporter } = this.#options;
    const { disk, partition, where } = await this.#open(slot);
    const image = artifacts && imageOf({ artifacts });
    if (image) return await verifyImage(disk, partition.path, image, reporter, where);
    await mounts.using(partition, "read", async (directory) => {
      if (artifacts) await verifySums(disk, directory, artifacts, where);
      const wanted = artifacts ?? await promisedFiles(disk, directory, where);
      await verifyFiles(disk, directory, wanted, reporter, where);
    });
  }

  async #open(slot: Slot): Promise<{ disk: Disk; partition: Partition; where: string }> {
    const partition = await this.#options.partitions.find(LABELS[slot]);
    const where = `slot ${slot} (${partition.device})`;
    return { disk: slotDisk(this.#options.disk, where), partition, where };
  }

  async #refuseMounted(partition: Partition, where: string): Promise<void> {
    const places = await this.#options.mounts.mountedAt(partition);
    if (places.length === 0) return;
    throw new UpdateError("slot", {
      operation: `preparing ${where}`,
      found: `it is mounted at ${places.join(" and ")}`,
      advice: "nothing was written; unmount it, and run it again",
    });
  }
}

/** An image brings one file-system label to both slots: by that alone no slot is found again. */
function refuseNameless({ foundBy, label, device }: Partition, where: string): void {
  if (foundBy !== "file-system") return;
  throw new UpdateError("slot", {
    operation: `preparing ${where}`,
    found: `its partition has no GPT name, only its file system is called ${label}`,
    advice:
      `name the partition first: sgdisk --change-name=NUMBER:${label} on the disk of ${device}`,
  });
}

async function sizeOf(disk: Disk, { path }: Partition): Promise<number> {
  return await withFile(disk, path, "read", (device) => device.size());
}
