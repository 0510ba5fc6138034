/** Block devices and what stands on what, as /sys has it: Documentation/ABI/testing/sysfs-block. */

import type { MountedAt } from "../core/mod.ts";

/** One block device. */
export interface Block {
  /** Kernel name below `/sys/class/block`: `sdb1`, `dm-0`. */
  readonly name: string;
  /** Path below `/dev`. */
  readonly node: string;
  /** `8:17`. */
  readonly numbers: string;
  readonly isPartition: boolean;
  /** Whether there is hardware under it, which loop devices and volumes have not. */
  readonly isHardware: boolean;
  /** Names of what it stands on: a partition on its disk, a volume on its partitions. */
  readonly standsOn: readonly string[];
  /** What a volume is called by those who made it. */
  readonly title?: string;
}

/** All of them, by name. */
export type BlockTree = ReadonlyMap<string, Block>;

/** Reads what the machine has; a device that is being pulled out is left out. */
export async function readBlockTree(view: string): Promise<BlockTree> {
  const tree = new Map<string, Block>();
  for (const name of await names(`${view}/sys/class/block`)) {
    const block = await readBlock(`${view}/sys/class/block/${name}`, name).catch(() => undefined);
    if (block) tree.set(name, block);
  }
  return tree;
}

async function readBlock(directory: string, name: string): Promise<Block> {
  const uevent = await readLines(`${directory}/uevent`);
  const value = (key: string) =>
    uevent.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
  const isPartition = value("DEVTYPE") === "partition";
  const disk = (await Deno.readLink(directory)).split("/").at(-2) ?? "";
  return {
    name,
    node: value("DEVNAME") ?? name.replaceAll("!", "/"),
    numbers: (await readLine(`${directory}/dev`)) ?? "",
    isPartition,
    isHardware: await exists(`${directory}/device`),
    standsOn: isPartition ? [disk] : await names(`${directory}/slaves`),
    title: await readLine(`${directory}/dm/name`),
  };
}

/** `name` and everything that stands on it, however high. */
export function standingOn(tree: BlockTree, name: string): readonly Block[] {
  const found = new Map<string, Block>();
  const add = (name: string) => {
    const block = tree.get(name);
    if (!block || found.has(name)) return;
    found.set(name, block);
    for (const other of tree.values()) if (other.standsOn.includes(name)) add(other.name);
  };
  add(name);
  return [...found.values()];
}

/** Whether this mount, or this swap space, is of `block`: btrfs has numbers of its own in the table. */
export function isMountOf(block: Block, { device, source }: MountedAt): boolean {
  if (device === block.numbers) return true;
  return device.startsWith("0:") && isCalled(block, source);
}

/** Whether `path` below /dev is `block`. */
export function isCalled({ node, title }: Block, path: string): boolean {
  return path === `/dev/${node}` || (title !== undefined && path === `/dev/mapper/${title}`);
}

/** The first line of a small file; undefined where it is empty or not there. */
export async function readLine(path: string): Promise<string | undefined> {
  return (await readLines(path).catch(() => []))[0]?.trim() || undefined;
}

async function readLines(path: string): Promise<string[]> {
  return (await Deno.readTextFile(path)).split("\n");
}

async function names(directory: string): Promise<string[]> {
  try {
    const found = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
    return found.sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
