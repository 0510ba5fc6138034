/**
 * Which of a machine's disks may be written over.
 *
 * @module
 */

import { type MountedAt, parseMountTable, reasonOf, UpdateError } from "../core/mod.ts";
import { readBlockTree, readLine } from "./_block_tree.ts";
import { modelOf, serialOf } from "./_identity.ts";
import { type DiskRefusal, refusalsOf } from "./_refusals.ts";
import { SECTOR } from "./gpt.ts";

export type { DiskRefusal, RefusalReason } from "./_refusals.ts";

/** A disk, and what speaks against writing over it. */
export interface SurveyedDisk {
  /** `/dev/sdb`. */
  readonly device: string;
  /** Where it can be opened: the same device in the view. */
  readonly path: string;
  /** Maker and model, where it says so. */
  readonly model?: string;
  /** Its serial number, where it has one. */
  readonly serial?: string;
  /** Bytes. */
  readonly size: number;
  /** Whether it is made to be carried about: the kernel says so, or it is an SD card. */
  readonly removable: boolean;
  /** Empty: it may be written. */
  readonly refusals: readonly DiskRefusal[];
}

/** What {@linkcode surveyDisks} goes by. */
export interface SurveyOptions {
  /** Directory that shows the machine's `dev`, `proc` and `sys`; the empty string for its own. */
  readonly view: string;
  /** Bytes that the disk has to have. */
  readonly needed?: number;
  /** The serial number of a disk that may be written though it is not removable. */
  readonly serial?: string;
}

/**
 * The machine's disks, by name. Loop devices, volumes, memory and optical drives are none.
 *
 * @throws {UpdateError} `slot` where /sys or /proc cannot be read.
 */
export async function surveyDisks(options: SurveyOptions): Promise<SurveyedDisk[]> {
  const { view } = options;
  try {
    const tree = await readBlockTree(view);
    const mounts = await allMounts(view);
    const swaps = await swapSpaces(view);
    const disks: SurveyedDisk[] = [];
    for (const block of tree.values()) {
      if (block.isPartition || !block.isHardware || /^sr\d/.test(block.name)) continue;
      const directory = `${view}/sys/class/block/${block.name}`;
      const number = async (name: string) => Number(await readLine(`${directory}/${name}`) ?? 0);
      const facts = {
        device: `/dev/${block.node}`,
        path: `${view}/dev/${block.node}`,
        model: await modelOf(directory),
        serial: await serialOf(directory),
        // in units of 512 bytes, whatever the disk's sectors are
        size: await number("size") * SECTOR,
        removable: await number("removable") === 1 ||
          await readLine(`${directory}/device/type`) === "SD",
        readOnly: await number("ro") === 1,
        sectorBytes: await number("queue/logical_block_size") || SECTOR,
      };
      const refusals = refusalsOf({ block, tree, mounts, swaps, facts }, options);
      const { readOnly: _readOnly, sectorBytes: _sectorBytes, ...shown } = facts;
      disks.push({ ...shown, refusals });
    }
    return disks;
  } catch (cause) {
    throw new UpdateError("slot", {
      operation: "looking for the disks of this machine",
      found: reasonOf(cause),
      advice: "check that /sys and /proc are mounted, and run it as root",
      cause,
    });
  }
}

/**
 * The disk that `device` names: `/dev/sdb`, or a link to it below /dev/disk.
 *
 * @throws {UpdateError} `usage` where it is none of them.
 */
export async function surveyedDisk(
  disks: readonly SurveyedDisk[],
  device: string,
  view: string,
): Promise<SurveyedDisk> {
  const problem = (found: string, advice: string) =>
    new UpdateError("usage", { operation: `looking at ${device}`, found, advice });
  const advice = `name one of ${
    disks.map((disk) => disk.device).join(", ") || "none that is here"
  }`;
  if (!device.startsWith("/dev/")) throw problem("no path below /dev", advice);
  const real = await Deno.realPath(`${view}${device}`).catch(() => undefined);
  if (real === undefined) throw problem("no such device", `plug it in, or ${advice}`);
  for (const disk of disks) {
    if (real === await Deno.realPath(disk.path).catch(() => undefined)) return disk;
  }
  const whole = disks.find((disk) =>
    /^p?\d+$/.test(device.slice(disk.device.length)) &&
    device.startsWith(disk.device)
  );
  if (whole) throw problem(`a partition of ${whole.device}`, `name the disk: ${whole.device}`);
  throw problem(
    "no disk of its own: a loop device, a volume, an optical drive, or no block device",
    `${advice}; a file is made with --image`,
  );
}

/** What this process and init see; one that runs in a container does not see all. */
async function allMounts(view: string): Promise<MountedAt[]> {
  const own = parseMountTable(await Deno.readTextFile(`${view}/proc/self/mountinfo`));
  const others = await Deno.readTextFile(`${view}/proc/1/mountinfo`).catch(() => "");
  return [...own, ...parseMountTable(others)];
}

/** Paths of devices that are swapped to: proc(5), /proc/swaps. */
async function swapSpaces(view: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${view}/proc/swaps`).catch(() => "");
  return text.split("\n").slice(1).map((line) => line.split(/\s/)[0]).filter(Boolean);
}
