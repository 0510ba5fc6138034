/**
 * Tar files on their way: read and written without being held (POSIX ustar and pax, and GNU's long names).
 *
 * @module
 */

import { ByteReader } from "./_byte_reader.ts";
import { regularFiles, tarEnd, tarEntry } from "./_tar_entries.ts";

/** A regular file, in a tar. */
export interface TarFile {
  /** As the tar has it: from outside, and no path of this machine. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes; to be read before the next file is asked for, or not at all. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * The regular files of a tar, in its order; everything else is passed over. Ends when the bytes have ended:
 * what lies behind the tar's own end is read, too.
 *
 * @throws {OrasError} `content` where it is no tar, ends too early, or is a hostile one.
 */
export async function* readTar(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile> {
  const reader = new ByteReader(bytes, "reading a tar file");
  for await (const { name, size } of regularFiles(reader)) {
    yield { name, size, content: reader.pieces(size) };
  }
  while (!await reader.ended()) await reader.some(Infinity);
}

/**
 * A tar of these files. The same files are the same bytes: owners are root, times are the beginning of
 * 1970. Names have at most 100 bytes, and each content is as long as its size says.
 *
 * @example A tar, and what is in it
 * ```ts
 * import { readTar, writeTar } from "@kubesolo/update/oras";
 * import { assertEquals } from "@std/assert";
 *
 * const hello = new TextEncoder().encode("hello");
 * const content = (async function* () {
 *   yield hello;
 * })();
 * for await (const file of readTar(writeTar([{ name: "a", size: hello.length, content }]))) {
 *   assertEquals(file.name, "a");
 *   for await (const bytes of file.content) assertEquals(bytes, hello);
 * }
 * ```
 */
export async function* writeTar(files: Iterable<TarFile>): AsyncGenerator<Uint8Array> {
  for (const file of files) yield* tarEntry(file);
  yield tarEnd();
}
