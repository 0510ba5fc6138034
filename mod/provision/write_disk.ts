/**
 * A disk image onto a medium, so that at no moment half a system can boot from it.
 *
 * @module
 */

import { readInto, reasonOf, UpdateError } from "../core/mod.ts";
import { copyExtents, type CopyOptions, type DiskImage, expectBytes } from "./copy_extents.ts";
import { dataPartition, type Extent, extentOf, fitTable } from "./fit_table.ts";
import { type GptTable, parseTable, RECORD_AT, SECTOR, TABLE_SECTORS } from "./gpt.ts";
import type { Medium } from "./medium.ts";
import { packTable } from "./pack_table.ts";
import { probeCapacity } from "./probe_capacity.ts";
import { sizeForPeople } from "./size_for_people.ts";

/** Where partitions with file systems begin: before it lie boot code, the first table and GRUB's second stage. */
export const HEAD_BYTES: number = 1 << 20;

/** What {@linkcode writeDisk} does. */
export interface WriteDiskOptions extends CopyOptions {
  /** Where it comes from. */
  readonly image: DiskImage;
  /** Where it goes; what was there is lost. */
  readonly medium: Medium;
  /**
   * What is copied, to the same places; everything from the first MiB to the end of the image's data
   * partition where it is left out.
   */
  readonly copy?: readonly Extent[];
  /**
   * Makes the data partition what it is to be: `data` is where it lies on the medium, `before` how large
   * it is in the image. The medium cannot boot yet.
   */
  readonly fill: (data: Extent, before: number) => Promise<void>;
}

/**
 * Resolves with its partition table when the medium is a whole disk: the image's partitions, read back
 * and the same, the data partition as large as the medium lets it be, and filled. First of all what made
 * it bootable is wiped; what firmware starts is written last of all. So one that is pulled meanwhile
 * boots nothing, and writing again ends well.
 *
 * @throws {UpdateError} `usage` where the image is no node's disk or does not fit, `verification` where the
 * medium does not give back what was written, `slot` where it cannot be written or read at all; what
 * `fill` and `signal` throw.
 */
export async function writeDisk(options: WriteDiskOptions): Promise<GptTable> {
  const { image, medium, fill, progress, signal } = options;
  const head = readHead(image);
  const before = parseTable(head, image.name);
  const data = dataPartition(before, image.name);
  const after = fitTable(before, medium.size, medium.name);
  const copy = options.copy ?? [bodyUpTo(extentOf(data))];
  mustHold(image, copy);
  try {
    signal?.throwIfAborted();
    await wipeEnds(medium);
    if (!medium.blank) {
      progress?.("test", 0, 0);
      await probeCapacity(medium, signal);
      await wipeEnds(medium);
    }
    await copyExtents(image, medium, copy, options);
    progress?.("fill", 0, 0);
    await fill(extentOf(dataPartition(after, medium.name)), extentOf(data).size);
    signal?.throwIfAborted();
    progress?.("finish", 0, 0);
    await medium.sync();
    await writeTables(medium, head, after);
    return after;
  } catch (cause) {
    // Ctrl-C ends the programs of `fill` as well, which then have complaints of their own
    if (signal?.aborted) throw signal.reason;
    if (cause instanceof UpdateError) throw cause;
    throw new UpdateError("slot", {
      operation: `writing ${medium.name}`,
      found: reasonOf(cause),
      advice: medium.blank
        ? "see that there is room for it, and begin again"
        : "see that it is in place and can be written, and begin again: it boots nothing now",
      cause,
    });
  }
}

/** All partitions with file systems, the data partition being the last. */
function bodyUpTo({ offset, size }: Extent): Extent {
  return { offset: HEAD_BYTES, size: offset + size - HEAD_BYTES };
}

/** One that was not fetched to its end costs nobody what is on the medium. */
function mustHold({ file, name }: DiskImage, copy: readonly Extent[]): void {
  const end = Math.max(...copy.map(({ offset, size }) => offset + size));
  const size = file.size();
  if (size >= end) return;
  throw new UpdateError("usage", {
    operation: `reading ${name}`,
    found: `${sizeForPeople(size)}, where its partition table speaks of ${sizeForPeople(end)}`,
    advice: "fetch or build the image again",
  });
}

function readHead({ file, name }: DiskImage): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  file.seek(0);
  if (readInto(file, head) === HEAD_BYTES) return head;
  throw new UpdateError("usage", {
    operation: `reading ${name}`,
    found: "less than 1 MiB",
    advice: "give a disk image of a node, as `deno task image` makes it",
  });
}

/** Both tables, what firmware starts, and what arrays and ZFS keep at a disk's end, are gone. */
async function wipeEnds(medium: Medium): Promise<void> {
  if (medium.blank) return;
  const zeros = new Uint8Array(HEAD_BYTES);
  medium.write(0, zeros);
  medium.write(medium.size - zeros.length, zeros);
  await medium.sync();
}

/** The second table, the first one, and last what firmware starts; each is durable before the next. */
async function writeTables(medium: Medium, head: Uint8Array, table: GptTable): Promise<void> {
  const { record, first, second } = packTable(table, Math.floor(medium.size / SECTOR));
  const whole = head.slice();
  whole.set(record, RECORD_AT);
  whole.set(first, SECTOR);
  const steps = [
    [secondTableAt(medium), second],
    [SECTOR, whole.subarray(SECTOR)],
    [0, whole.subarray(0, SECTOR)],
  ] as const;
  for (const [offset, bytes] of steps) {
    medium.write(offset, bytes);
    await medium.sync();
  }
  for (const [offset, bytes] of steps) await expectBytes(medium, offset, bytes);
}

function secondTableAt({ size }: Medium): number {
  return (Math.floor(size / SECTOR) - TABLE_SECTORS) * SECTOR;
}
