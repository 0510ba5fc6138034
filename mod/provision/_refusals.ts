/** What speaks against writing over a disk. */

import type { MountedAt } from "../core/mod.ts";
import { type Block, type BlockTree, isCalled, isMountOf, standingOn } from "./_block_tree.ts";
import { SECTOR } from "./gpt.ts";
import { sizeForPeople } from "./size_for_people.ts";

/** What is wrong with a disk, in one word. */
export type RefusalReason =
  | "empty"
  | "system"
  | "mounted"
  | "swap"
  | "held"
  | "fixed"
  | "read-only"
  | "sectors"
  | "too-small";

/** Why a disk is not written over. */
export interface DiskRefusal {
  /** The word for programs. */
  readonly reason: RefusalReason;
  /** What was found. */
  readonly found: string;
  /** What a person can do. */
  readonly advice: string;
}

/** A disk and the machine that it is in. */
export interface Situation {
  readonly block: Block;
  readonly tree: BlockTree;
  readonly mounts: readonly MountedAt[];
  /** Paths of swap spaces. */
  readonly swaps: readonly string[];
  readonly facts: {
    readonly serial?: string;
    readonly size: number;
    readonly removable: boolean;
    readonly readOnly: boolean;
    readonly sectorBytes: number;
  };
}

/** What this machine cannot do without. */
const SYSTEM_DIRECTORIES = ["/", "/usr", "/boot", "/boot/efi", "/boot/firmware", "/efi", "/var"];

/** All that speaks against it. */
export function refusalsOf(
  situation: Situation,
  { needed = 0, serial }: { readonly needed?: number; readonly serial?: string },
): DiskRefusal[] {
  const { size, removable, readOnly, sectorBytes } = situation.facts;
  if (size === 0) {
    return [{ reason: "empty", found: "no medium in the drive", advice: "put one in" }];
  }
  const found = usesOf(situation);
  // nothing else that could be done would make it the right one
  const system = found.filter(({ reason }) => reason === "system");
  if (system.length > 0) return system;
  if (!removable) found.push(...fixed(situation.facts.serial, serial));
  if (readOnly) {
    found.push({
      reason: "read-only",
      found: "it is write-protected",
      advice: "move its switch, or unlock it with: blockdev --setrw",
    });
  }
  if (sectorBytes !== SECTOR) {
    found.push({
      reason: "sectors",
      found: `its sectors have ${sectorBytes} bytes`,
      advice: `use a disk with sectors of ${SECTOR}`,
    });
  }
  if (size < needed) {
    found.push({
      reason: "too-small",
      found: `it has ${sizeForPeople(size)}`,
      advice: `use one with at least ${sizeForPeople(needed)}`,
    });
  }
  return found;
}

/** Who uses it, or anything that stands on it. */
function usesOf({ block, tree, mounts, swaps }: Situation): DiskRefusal[] {
  const found: DiskRefusal[] = [];
  for (const user of standingOn(tree, block.name)) {
    const device = user.title ? `/dev/mapper/${user.title}` : `/dev/${user.node}`;
    const places = mounts.filter((mount) => isMountOf(user, mount))
      .map(({ directory }) => directory);
    const system = places.find((place) => SYSTEM_DIRECTORIES.includes(place));
    if (system) {
      found.push({
        reason: "system",
        found: `this machine runs from it: ${device} is ${system}`,
        advice: "name another disk",
      });
    } else if (places.length > 0) {
      found.push({
        reason: "mounted",
        found: `${device} is mounted at ${[...new Set(places)].join(", ")}`,
        advice: `unmount it: umount ${device}`,
      });
    }
    if (swaps.some((path) => isCalled(user, path))) {
      found.push({
        reason: "swap",
        found: `${device} is swap space`,
        advice: `take it out of use: swapoff ${device}`,
      });
    }
    const isVolume = user !== block && !user.isPartition;
    if (isVolume && places.length === 0) {
      found.push({
        reason: "held",
        found: `${device} stands on it`,
        advice: user.name.startsWith("md")
          ? `stop the array: mdadm --stop ${device}`
          : `close it: cryptsetup close, vgchange -an, or dmsetup remove ${
            user.title ?? user.node
          }`,
      });
    }
  }
  return found;
}

function fixed(own: string | undefined, given: string | undefined): DiskRefusal[] {
  const found = "it is no removable disk";
  if (!own) {
    return [{
      reason: "fixed",
      found: `${found}, and has no serial number to name it by`,
      advice: "write a file with --image, and that onto the disk with other means",
    }];
  }
  if (given === own) return [];
  return [{
    reason: "fixed",
    found: given === undefined ? found : `${found}, and its serial number is not ${given}`,
    advice: `where it is meant, add --yes-this-disk ${own}`,
  }];
}
