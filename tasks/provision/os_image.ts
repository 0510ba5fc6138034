/**
 * The disk image that is written.
 *
 * @module
 */

import { type Disk, readInto, UpdateError } from "../../mod/core/mod.ts";
import {
  type DiskImage,
  leastDiskBytes,
  parseTable,
  SECTOR,
  TABLE_SECTORS,
} from "../../mod/provision/mod.ts";
import { unreadable } from "./unreadable.ts";

/** An image, and how much room it takes at least. */
export interface OpenedImage extends DiskImage, Disposable {
  /** Bytes of the smallest disk that takes it. */
  readonly leastBytes: number;
}

/**
 * Opens the image at `path`; without one it is built, where there are the sources to build it from.
 *
 * @throws {UpdateError} `usage` where it is not there, or no disk image.
 */
export async function openImage(disk: Disk, path: string | undefined): Promise<OpenedImage> {
  const name = path ?? await builtImage();
  const file = await disk.open(name, "read").catch((cause) => {
    throw unreadable(`reading --os-image ${name}`, cause);
  });
  try {
    const head = new Uint8Array((1 + TABLE_SECTORS) * SECTOR);
    const leastBytes = leastDiskBytes(parseTable(head.subarray(0, readInto(file, head)), name));
    return { name, file, leastBytes, [Symbol.dispose]: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function builtImage(): Promise<string> {
  if (Deno.build.standalone) {
    throw new UpdateError("usage", {
      operation: "looking for the disk image",
      found: "no --os-image",
      advice: "give one, as `deno task image` makes it: this program builds none",
    });
  }
  // a name that is worked out is not compiled in
  const builder = ["./build_os_image", "ts"].join(".");
  const { buildOsImage } = await import(builder) as typeof import("./build_os_image.ts");
  return await buildOsImage();
}
