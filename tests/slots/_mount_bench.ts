/**
 * A partition of a real disk, and mounts of it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Partition } from "../../mod/core/mod.ts";
import { CommandMounts } from "../../mod/slots/mod.ts";
import { LoopDisk, type PartitionPlan } from "../loop_disk.ts";
import { namesIn } from "./slot_bench.ts";

/** One slot. */
export const ONE: PartitionPlan = { gptName: "KSOLOB", fileSystem: "ext4", mebibytes: 24 };

/** The only partition of `disk`, as the agent knows it. */
export function partitionOf(disk: LoopDisk): Partition {
  const [{ device }] = disk.partitions;
  return { label: "KSOLOB", device, path: device };
}

/** A disk with one partition, and what mounts it. */
export async function start(plan: PartitionPlan = ONE) {
  const disk = await LoopDisk.create({ partitions: [plan] });
  const partition = partitionOf(disk);
  const directory = `${disk.directory}/mnt`;
  return {
    disk,
    partition,
    directory,
    mounts: new CommandMounts({ view: disk.view, directory }),
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  };
}

/** Fails where the partition is mounted, or a mount point was left behind. */
export async function isUnmounted({ disk, directory }: { disk: LoopDisk; directory: string }) {
  assertEquals(await disk.mountPoints(), []);
  assertEquals(await namesIn(directory), []);
}
