/**
 * Files of a disk, as they are served.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { ServedFile } from "../omaha/mod.ts";

// several are on their way to each client
const CHUNK_BYTES = 64 << 10;

/** Digests of a file's bytes. */
export interface FileDigests {
  /** SHA-1 in base64, which Omaha demands. */
  readonly sha1: string;
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
}

/** Both digests of a file, read once. `signal` ends it early, with its reason thrown. */
export async function digestsOf(path: string, signal?: AbortSignal): Promise<FileDigests> {
  const [sha1, sha256] = [createHash("sha1"), createHash("sha256")];
  for await (const chunk of (await Deno.open(path)).readable) {
    signal?.throwIfAborted();
    sha1.update(chunk);
    sha256.update(chunk);
  }
  return { sha1: sha1.digest("base64"), sha256: sha256.digest("hex") };
}

/** What changes whenever the bytes of a file do, as far as its directory tells. */
export function stampOf({ size, mtime, ctime, ino }: Deno.FileInfo): string {
  return [size, mtime?.getTime(), ctime?.getTime(), ino].join("-");
}

/**
 * The file that was found as `info` says, read anew for each client. One that has changed since fails: it
 * is not what was promised.
 */
export function storedFile(
  path: string,
  info: Deno.FileInfo,
  { tag, type }: Pick<ServedFile, "tag" | "type">,
): ServedFile {
  const stamp = stampOf(info);
  return {
    size: info.size,
    modified: info.mtime ?? new Date(0),
    tag,
    type,
    async open(offset, length) {
      const opened = await Deno.open(path);
      try {
        if (stampOf(await opened.stat()) !== stamp) {
          throw new Error(`${path} has changed since it was hashed`);
        }
        await opened.seek(offset, Deno.SeekMode.Start);
      } catch (error) {
        opened.close();
        throw error;
      }
      return part(opened, length);
    },
  };
}

/** So many of a file's bytes from where it stands. */
function part(file: Deno.FsFile, length: number): ReadableStream<Uint8Array> {
  let left = length;
  return new ReadableStream({
    async pull(controller) {
      const buffer = new Uint8Array(Math.min(CHUNK_BYTES, left));
      const read = left === 0 ? null : await file.read(buffer);
      if (read !== null) {
        left -= read;
        controller.enqueue(buffer.subarray(0, read));
      }
      if (left > 0 && read !== null) return;
      file.close();
      if (left > 0) controller.error(new Error("the file has become shorter"));
      else controller.close();
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}
