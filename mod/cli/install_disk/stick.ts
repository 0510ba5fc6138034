/**
 * The disk that the machine was started from, as the image of what is installed.
 *
 * @module
 */

import {
  type Disk,
  type DiskFile,
  LABELS,
  type Partition,
  readInto,
  UpdateError,
  withFile,
} from "../../core/mod.ts";
import {
  dataPartition,
  type DiskImage,
  type Extent,
  extentOf,
  type GptTable,
  HEAD_BYTES,
  leastDiskBytes,
  packTable,
  parseTable,
  RECORD_AT,
  SECTOR,
  type SurveyedDisk,
} from "../../provision/mod.ts";

/** The least that a data partition is given, besides what is copied onto it. */
const LEAST_DATA_BYTES = 64 << 20;

/** The disk that GRUB was started from. */
export interface Stick {
  readonly disk: SurveyedDisk;
  readonly table: GptTable;
  /** Its data partition. */
  readonly data: Partition;
}

/**
 * The one disk with the partition that GRUB came from. Neither labels nor the order of the disks tell: a
 * disk that was installed before has the same ones.
 *
 * @param guid Of that partition; `ksolo.disk` on the kernel's line.
 * @throws {UpdateError} `slot` where there is none, or more than one.
 */
export async function findStick(
  disk: Disk,
  disks: readonly SurveyedDisk[],
  guid: string,
): Promise<Stick> {
  const found: Stick[] = [];
  for (const surveyed of disks) {
    const table = await tableOf(disk, surveyed).catch(() => undefined);
    if (!table?.partitions.some((partition) => partition.guid === guid)) continue;
    const { number } = dataPartition(table, surveyed.device);
    const end = `${/\d$/.test(surveyed.device) ? "p" : ""}${number}`;
    const { device, path } = surveyed;
    const data = { label: LABELS.data, device: device + end, path: path + end };
    found.push({ disk: surveyed, table, data });
  }
  const [stick, ...others] = found;
  if (stick && others.length === 0) return stick;
  const names = found.map((one) => one.disk.device).join(" and ");
  throw new UpdateError("slot", {
    operation: "looking for the disk that this machine was started from",
    found: stick ? `${names} are copies of each other` : `none has the partition ${guid}`,
    advice: stick
      ? "take out the one that is not to be installed from, or provision the stick anew"
      : "start again from the stick",
  });
}

async function tableOf(disk: Disk, { path, device }: SurveyedDisk): Promise<GptTable> {
  return await withFile(disk, path, "read", (file) => parseTable(readHead(file), device));
}

function readHead(file: DiskFile): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  file.seek(0);
  return head.subarray(0, readInto(file, head));
}

/** A stick as an image. */
export interface StickImage {
  readonly image: DiskImage;
  /** What is copied as it is: the ESP and both slots. */
  readonly copy: readonly Extent[];
  /** Bytes that a disk has to have for it. */
  readonly leastBytes: number;
}

/**
 * The stick as if its data partition were as small as it can be with `bytes` of files: the stick may be
 * larger than the disk. `file`: the stick, open for reading.
 */
export function stickImage({ disk, table }: Stick, file: DiskFile, bytes: number): StickImage {
  const data = dataPartition(table, disk.device);
  // ext4 needs more than the files' bytes
  const size = LEAST_DATA_BYTES + Math.ceil(bytes * 1.05 / SECTOR) * SECTOR;
  const small: GptTable = {
    ...table,
    partitions: table.partitions.map((partition) =>
      partition === data ? { ...data, last: data.first + size / SECTOR - 1 } : partition
    ),
  };
  const leastBytes = leastDiskBytes(small);
  const packed = packTable(small, leastBytes / SECTOR);
  const head = readHead(file);
  head.set(packed.record, RECORD_AT);
  head.set(packed.first, SECTOR);
  return {
    image: { name: disk.device, file: withHead(file, head) },
    copy: [{ offset: HEAD_BYTES, size: extentOf(data).offset - HEAD_BYTES }],
    leastBytes,
  };
}

/** `file`, to be read, with other bytes at its beginning. */
function withHead(file: DiskFile, head: Uint8Array): DiskFile {
  let position = 0;
  const refuse = () => {
    throw new Error("the stick is not written");
  };
  return {
    seek: (offset) => position = offset,
    read(into) {
      if (position < head.length) {
        const part = head.subarray(position, position + into.length);
        into.set(part);
        position += part.length;
        return part.length;
      }
      file.seek(position);
      const read = file.read(into);
      position += read ?? 0;
      return read;
    },
    size: () => file.size(),
    write: refuse,
    truncate: refuse,
    sync: () => file.sync(),
    close: () => file.close(),
  };
}
