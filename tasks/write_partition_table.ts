/**
 * The GUID partition table of an image, written.
 *
 * @module
 */

import { packTable, RECORD_AT, SECTOR } from "../mod/provision/mod.ts";
import { BIOS_BOOT, DISK_GUID, type DiskPlan } from "./disk_layout.ts";

/** Types of partitions, by the codes of sgdisk. */
const TYPE_GUIDS = {
  ef00: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
  8300: "0fc63daf-8483-4772-8e79-3d69d8477de4",
  ef02: "21686148-6449-6e6f-744e-656564454649",
} as const;

/** Resolves when `image`, a file of the plan's size, has the plan's partitions, in both tables. */
export async function writePartitionTable(
  image: string,
  plan: DiskPlan,
  bios: boolean,
): Promise<void> {
  const partitions = plan.partitions.map((partition) => ({
    ...partition,
    name: partition.label,
    last: partition.first + partition.size / SECTOR - 1,
  }));
  const extra = bios ? [{ ...BIOS_BOOT, type: "ef02" as const }] : [];
  const table = {
    guid: DISK_GUID,
    partitions: [...partitions, ...extra]
      .map((partition) => ({ ...partition, type: TYPE_GUIDS[partition.type], attributes: 0n })),
  };
  const { record, first, second } = packTable(table, plan.size / SECTOR);
  using file = await Deno.open(image, { read: true, write: true });
  await writeAt(file, RECORD_AT, record);
  await writeAt(file, SECTOR, first);
  await writeAt(file, plan.size - second.length, second);
}

async function writeAt(file: Deno.FsFile, offset: number, bytes: Uint8Array): Promise<void> {
  await file.seek(offset, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
