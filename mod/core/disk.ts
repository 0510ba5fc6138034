/**
 * The durable steps: everything that the agent ever changes on a disk goes through here, so that a
 * test can cut the power before and after each of them.
 *
 * Reads and writes are synchronous on purpose: between two network reads nothing else runs, and one
 * buffer goes from socket to hash to disk without a hop to another thread.
 *
 * @module
 */

/** An open file or block device, with a position. */
export interface DiskFile {
  /** Reads at the position; the number of bytes, or `null` at the end. */
  read(into: Uint8Array): number | null;
  /** Writes all of `bytes` at the position. They are durable only after {@linkcode sync}. */
  write(bytes: Uint8Array): void;
  /** Moves the position, in bytes from the start. */
  seek(offset: number): void;
  /** Length in bytes; for a block device, its size. */
  size(): number;
  /** Cuts or extends a regular file to `length` bytes. */
  truncate(length: number): void;
  /** Resolves when what was written is durable. */
  sync(): Promise<void>;
  /** Releases it; for a block device that also drops what the kernel cached of it. */
  close(): void;
}

/**
 * How to open: `read`; `update` an existing file in place; `create` it if absent, keep it if there;
 * `replace` it, so that it starts empty.
 */
export type OpenMode = "read" | "update" | "create" | "replace";

/**
 * A machine's disks. Errors are those of Deno (`NotFound`, `PermissionDenied`, ENOSPC, …): the room
 * that calls knows what they mean.
 */
export interface Disk {
  /** Opens `path`. */
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Length of a regular file in bytes; undefined where there is none. */
  size(path: string): Promise<number | undefined>;
  /** Names in a directory. */
  list(path: string): Promise<string[]>;
  /** Renames; durable only after {@linkcode syncDirectory}. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; nothing happens where there is none. Durable after {@linkcode syncDirectory}. */
  remove(path: string): Promise<void>;
  /** Makes a directory and those above it. */
  makeDirectory(path: string): Promise<void>;
  /** Resolves when the names in a directory are durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes that can still be written to the file system that holds `path`. */
  free(path: string): Promise<number>;
}

/** What `body` makes of the file at `path`, open at its beginning; it is closed when that ends. */
export async function withFile<T>(
  disk: Disk,
  path: string,
  mode: OpenMode,
  body: (file: DiskFile) => T | Promise<T>,
): Promise<T> {
  const file = await disk.open(path, mode);
  try {
    return await body(file);
  } finally {
    file.close();
  }
}

/** Reads up to the end of `into`, or of the file; the number of bytes. */
export function readInto(file: DiskFile, into: Uint8Array): number {
  let length = 0;
  while (length < into.length) {
    const read = file.read(into.subarray(length));
    if (!read) break;
    length += read;
  }
  return length;
}

const FIRST_READ_BYTES = 16 << 10;

/** Reads a whole small file; `null` where it is longer than `limit` bytes. */
export async function readSmall(
  disk: Disk,
  path: string,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  return await withFile(disk, path, "read", (file) => {
    let buffer = new Uint8Array(Math.min(limit + 1, FIRST_READ_BYTES));
    let length = 0;
    while (true) {
      const read = file.read(buffer.subarray(length));
      if (!read) return buffer.slice(0, length);
      length += read;
      if (length > limit) return null;
      if (length === buffer.length) {
        const larger = new Uint8Array(Math.min(limit + 1, 4 * length));
        larger.set(buffer);
        buffer = larger;
      }
    }
  });
}

/**
 * Replaces a small file in one step: resolves when `path` durably has `bytes`; after a power cut it
 * has either the old bytes or the new ones.
 */
export async function replaceFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  await withFile(disk, temporary, "replace", async (file) => {
    file.write(bytes);
    await file.sync();
  });
  await disk.rename(temporary, path);
  await disk.syncDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
}
