import { type FileSystem, recognize, SUPERBLOCK_BYTES } from "./_superblock.ts";

/** The file system on the device at `path`; undefined where none is known. */
export async function readSuperblock(path: string): Promise<FileSystem | undefined> {
  using device = await Deno.open(path);
  const bytes = new Uint8Array(SUPERBLOCK_BYTES);
  let length = 0;
  while (length < bytes.length) {
    const read = await device.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return recognize(bytes.subarray(0, length));
}
