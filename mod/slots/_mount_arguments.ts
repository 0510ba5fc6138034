import { type Partition, reasonOf, UpdateError } from "../core/mod.ts";
import { readSuperblock } from "./_read_superblock.ts";
import type { FileSystem, FileSystemType } from "./_superblock.ts";
import { UncleanFileSystem } from "./unclean_file_system.ts";

/** Nothing on a system partition is run, or is a device, on the node that writes it. */
const ALWAYS = "nosuid,nodev,noexec,noatime";

const READ: Readonly<Record<FileSystemType, string>> = {
  // noload: a read-only mount would replay the journal, and thereby write
  ext4: "ro,noload",
  vfat: "ro",
  squashfs: "ro",
  erofs: "ro",
};

const WRITE: Readonly<Partial<Record<FileSystemType, string>>> = { ext4: "rw", vfat: "rw" };

/**
 * The arguments of mount(8) up to the directory. The type is always given: BusyBox cannot guess all
 * of them.
 */
export async function mountArguments(
  partition: Partition,
  access: "read" | "write",
): Promise<string[]> {
  const { device, label, path } = partition;
  const operation = `mounting ${device} (${label}) to ${access}`;
  let found: FileSystem | undefined;
  try {
    found = await readSuperblock(path);
  } catch (cause) {
    throw new UpdateError("slot", {
      operation,
      found: reasonOf(cause),
      advice: "run it as root, and look into the kernel's log for the disk",
      cause,
    });
  }
  const make = `make one with: mke2fs -t ext4 -L ${label} ${device}`;
  if (!found) {
    throw new UpdateError("slot", {
      operation,
      found: "no file system that the agent knows (ext4, FAT, squashfs, erofs)",
      advice: `for updates by files ${make}`,
    });
  }
  if (access === "write" && found.damaged) {
    throw new UpdateError("slot", {
      operation,
      found: "the kernel has recorded damage in its file system",
      advice: `repair it with: e2fsck -f ${device}, or ${make}`,
    });
  }
  if (access === "read" && found.orphans) {
    throw new UncleanFileSystem({
      operation,
      found: "files were being removed when it was cut off, and even reading it would finish that",
      advice: "the next update of this slot repairs it",
    });
  }
  const options = access === "read" ? READ[found.type] : WRITE[found.type];
  if (!options) {
    throw new UpdateError("slot", {
      operation,
      found: `${found.type}, which cannot be written`,
      advice: `publish the release as an image, or ${make}`,
    });
  }
  return ["-t", found.type, "-o", `${options},${ALWAYS}`, path];
}
