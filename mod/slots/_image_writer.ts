/** A release of one image: a whole partition, written to the slot's device as it is. */

import { createHash } from "node:crypto";
import { type Disk, type DiskFile, readInto, type Reporter, withFile } from "../core/mod.ts";
import { HEAD_BYTES, type ImageHead, keySectorOf, SECTOR_BYTES } from "./_image_head.ts";
import { ImageTarget } from "./_image_target.ts";
import { fetchInto } from "./_marked_sink.ts";
import { hashNext, verifyProgress } from "./_read_through.ts";
import type { Image } from "./_release_kind.ts";
import { different } from "./_slot_files.ts";
import type { SlotWork } from "./_slot_work.ts";

/**
 * Resolves when the slot's device, read back, begins with the image. Until the very last write, of one
 * sector, there is no superblock in it.
 */
export async function writeImage(
  work: SlotWork,
  image: Image,
  heads: ImageHead,
): Promise<void> {
  const { disk, partition: { path }, order: { fetch, marks }, markBytes, reporter, where } = work;
  const head = await withFile(disk, path, "update", async (device) => {
    device.write(new Uint8Array(Math.min(HEAD_BYTES, device.size())));
    await device.sync();
    const target = new ImageTarget(device, image, heads);
    const beginning = await target.takeUp(marks.of(image));
    await fetchInto(target, beginning, image, fetch, { marks, markBytes });
    return target.head.subarray(0, image.size);
  });

  // opened anew each time: closing drops what the kernel has cached of a device
  await withFile(disk, path, "read", async (device) => {
    const digest = await digestOf(device, image.size, reporter, head);
    if (digest !== image.sha256) {
      throw different(where, `the image reads back as SHA-256 ${digest}, not as ${image.sha256}`);
    }
  });
  await withFile(disk, path, "update", (device) => writeHead(device, head));
  await withFile(disk, path, "read", (device) => {
    const found = new Uint8Array(head.length);
    readInto(device, found);
    if (found.some((byte, at) => byte !== head[at])) {
      throw different(where, `the first ${head.length} bytes are not those of the image`);
    }
  });
}

/** The head, with its key sector last: a write of several sectors may be torn, one of a single one not. */
async function writeHead(device: DiskFile, head: Uint8Array): Promise<void> {
  const key = keySectorOf(head);
  const withoutKey = head.slice();
  withoutKey.fill(0, key, key + SECTOR_BYTES);
  for (
    const [bytes, at] of [[withoutKey, 0], [head.slice(key, key + SECTOR_BYTES), key]] as const
  ) {
    device.seek(at);
    device.write(bytes);
    await device.sync();
  }
}

/** Resolves when the device begins with the image, every byte of it. */
export async function verifyImage(
  disk: Disk,
  path: string,
  { sha256, size }: Image,
  reporter: Reporter,
  where: string,
): Promise<void> {
  const digest = await withFile(
    disk,
    path,
    "read",
    (device) => digestOf(device, size, reporter),
  );
  if (digest !== sha256) {
    throw different(where, `the image reads back as SHA-256 ${digest}, not as ${sha256}`);
  }
}

/** SHA-256 of the first `size` bytes, where the very first are `head` instead of what is there. */
async function digestOf(
  device: DiskFile,
  size: number,
  reporter: Reporter,
  head: Uint8Array = new Uint8Array(0),
): Promise<string> {
  const hash = createHash("sha256").update(head);
  device.seek(head.length);
  await hashNext(device, size - head.length, hash, verifyProgress(reporter, "image", size));
  return hash.digest("hex");
}
