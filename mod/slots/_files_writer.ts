/**
 * A release of files: a kernel and an initramfs, into the slot's file system.
 *
 * Each step is a mount of its own. GRUB reads ext4 without its journal, and only unmounting brings
 * everything from there to its place; a fresh mount also reads from the disk, not from memory.
 */

import { createHash } from "node:crypto";
import {
  type Artifact,
  type Disk,
  type DiskFile,
  formatFloor,
  type Marks,
  replaceFile,
  sumsOf,
  withFile,
} from "../core/mod.ts";
import { type Beginning, fetchInto, nothing, type SinkTarget } from "./_marked_sink.ts";
import { hashNext } from "./_read_through.ts";
import { FLOOR_FILE, SUMS_FILE, verifyFiles, verifySums, VERSION_FILE } from "./_slot_files.ts";
import type { SlotWork } from "./_slot_work.ts";

/** Room that is kept free for `version`, `SHA256SUMS` and the file system's own records, in bytes. */
export const RESERVED_BYTES = 256 << 10;

/** Resolves when the slot's files, read back from its disk, are those of the release. */
export async function writeFiles(work: SlotWork): Promise<void> {
  const { disk, mounts, partition, order: { release, floor }, reporter } = work;
  const { artifacts } = release;

  await mounts.using(partition, "write", (directory) => makeUnbootable(disk, directory));
  await mounts.using(partition, "write", async (directory) => {
    await fetchAll(work, directory);
    if (floor) await replaceFile(disk, `${directory}/${FLOOR_FILE}`, encode(formatFloor(floor)));
    await replaceFile(disk, `${directory}/${VERSION_FILE}`, encode(`${release.version}\n`));
  });
  await mounts.using(
    partition,
    "read",
    (directory) => verifyFiles(disk, directory, artifacts, reporter, work.where),
  );
  await mounts.using(
    partition,
    "write",
    (directory) => replaceFile(disk, `${directory}/${SUMS_FILE}`, encode(sumsOf(artifacts))),
  );
  await mounts.using(
    partition,
    "read",
    (directory) => verifySums(disk, directory, artifacts, work.where),
  );
}

/** GRUB boots no slot without `SHA256SUMS`: once it is gone, nothing else matters. */
async function makeUnbootable(disk: Disk, directory: string): Promise<void> {
  await disk.remove(`${directory}/${SUMS_FILE}`);
  await disk.syncDirectory(directory);
  for (
    const name of [
      VERSION_FILE,
      ...[VERSION_FILE, FLOOR_FILE, SUMS_FILE].map((file) => `${file}.new`),
    ]
  ) {
    await disk.remove(`${directory}/${name}`);
  }
  await disk.syncDirectory(directory);
}

async function fetchAll(work: SlotWork, directory: string): Promise<void> {
  const { disk, order: { release, fetch, marks }, markBytes } = work;
  // what is of no use goes first, so that its room is there for the rest
  const beginnings: { artifact: Artifact; path: string; beginning: Beginning }[] = [];
  for (const artifact of release.artifacts) {
    const path = `${directory}/${artifact.name}`;
    beginnings.push({ artifact, path, beginning: await takeUp(disk, path, artifact, marks) });
  }
  for (const { artifact, path, beginning } of beginnings) {
    const free = await disk.free(directory);
    const limit = beginning.offset + Math.max(0, free - RESERVED_BYTES);
    await withFile(disk, path, "create", async (file) => {
      file.seek(beginning.offset);
      const target = fileTarget(file, limit);
      await fetchInto(target, beginning, artifact, fetch, { marks, markBytes });
    });
    await disk.syncDirectory(directory);
  }
}

/** What of the file in the slot can stay: up to the mark, or all of it where it is the same. */
async function takeUp(
  disk: Disk,
  path: string,
  artifact: Artifact,
  marks: Marks,
): Promise<Beginning> {
  const there = await disk.size(path) ?? 0;
  const marked = marks.of(artifact);
  const isMarked = marked > 0 && marked <= there && marked <= (artifact.size ?? Infinity);
  if (isMarked || (there > 0 && there === artifact.size)) {
    const offset = isMarked ? marked : there;
    const file = await disk.open(path, "update");
    try {
      if (offset < there) file.truncate(offset);
      const hash = createHash("sha256");
      const read = await hashNext(file, offset, hash);
      const isWhole = hash.copy().digest("hex") === artifact.sha256;
      if (read === offset && (isMarked || isWhole)) return { offset, hash };
    } finally {
      file.close();
    }
  }
  await disk.remove(path);
  return nothing();
}

function fileTarget(file: DiskFile, limit: number): SinkTarget {
  return {
    limit,
    leastMark: 1,
    put: (bytes) => file.write(bytes),
    settle: () => file.sync(),
    clear: () => {
      file.truncate(0);
      file.seek(0);
    },
  };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
