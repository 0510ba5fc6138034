/**
 * The data partition of a written medium.
 *
 * @module
 */

import { type Disk, readInto, readSmall, UpdateError, withFile } from "../core/mod.ts";
import { chunksOf, isZero } from "./copy_extents.ts";
import type { FileSystemTools, NewFile } from "./file_system.ts";
import type { Extent } from "./fit_table.ts";

/** What {@linkcode growData} works on. */
export interface GrowDataOptions {
  /** What edits ext4. */
  readonly tools: FileSystemTools;
  /** Opens files and devices. */
  readonly disk: Disk;
  /** Where the medium can be opened, by this process and by the programs. */
  readonly path: string;
  /** Where the data partition lies. */
  readonly data: Extent;
  /** How large its file system is so far, in bytes. */
  readonly before: number;
  /** Files that it gets; their sources are no longer needed afterwards. */
  readonly files: readonly NewFile[];
  /** For a medium that is a file: a directory beside it, for a copy of the file system meanwhile. */
  readonly scratch?: string;
  /** Whether files are read back past the kernel's cache. */
  readonly direct?: boolean;
}

/** Most bytes of a file that is compared with its source; of larger ones the file system is checked. */
const COMPARED_BYTES = 1 << 20;

/**
 * Resolves when the file system fills the data partition, has the files, and e2fsck finds nothing wrong.
 *
 * @throws {UpdateError} `slot` where a program fails, `verification` where something reads back otherwise.
 */
export async function growData(options: GrowDataOptions): Promise<void> {
  const { tools, disk, path, data, before, files, scratch, direct = false } = options;
  if (scratch === undefined) return await fill(tools, disk, { path, ...data }, files, direct);
  // resize2fs cuts files to the length of the file system, without its offset
  const copy = `${scratch}/data`;
  const there = { path: copy, offset: 0, size: data.size };
  await copyPart(disk, { path, ...data, size: before }, there);
  await fill(tools, disk, there, files, direct);
  await copyPart(disk, there, { path, ...data }, before);
  await disk.remove(copy);
  await tools.check({ path, ...data });
}

async function fill(
  tools: FileSystemTools,
  disk: Disk,
  place: { readonly path: string } & Extent,
  files: readonly NewFile[],
  direct: boolean,
): Promise<void> {
  await tools.grow(place);
  if (files.length > 0) await tools.put(place, files);
  await withFile(disk, place.path, "update", (file) => file.sync());
  await tools.check(place);
  for (const file of files) {
    const source = await readSmall(disk, file.source, COMPARED_BYTES);
    if (!source) continue;
    const wanted = new TextDecoder().decode(source).trim();
    if (await tools.read(place, file.path, direct) === wanted) continue;
    throw new UpdateError("verification", {
      operation: `reading ${file.path} back from the data partition on ${place.path}`,
      found: "something else than was written",
      advice: "begin again; where it stays so, use another medium",
    });
  }
}

/** Copies one stretch over another; zeros behind the first `used` bytes, where nothing was, stay holes. */
async function copyPart(
  disk: Disk,
  from: { readonly path: string } & Extent,
  to: { readonly path: string } & Extent,
  used = 0,
): Promise<void> {
  const source = await disk.open(from.path, "read");
  const target = await disk.open(to.path, "create");
  try {
    if (target.size() < to.offset + to.size) target.truncate(to.offset + to.size);
    const buffer = new Uint8Array(4 << 20);
    for (const { offset, size } of chunksOf(from)) {
      const bytes = buffer.subarray(0, size);
      source.seek(offset);
      // behind the end of what was copied there is nothing
      bytes.fill(0, readInto(source, bytes));
      if (offset - from.offset >= used && isZero(bytes)) continue;
      target.seek(to.offset + offset - from.offset);
      target.write(bytes);
      await new Promise((resolve) => setTimeout(resolve));
    }
    await target.sync();
  } finally {
    source.close();
    target.close();
  }
}
