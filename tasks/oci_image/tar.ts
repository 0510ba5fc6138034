/**
 * Layers of images: tar files in the ustar format (POSIX.1-1988, which every unpacker reads).
 *
 * @module
 */

import { concat } from "@std/bytes/concat";
import type { Entry } from "../cpio.ts";

const BLOCK_BYTES = 512;
const END = new Uint8Array(2 * BLOCK_BYTES);

/** Longest path, in bytes; what goes beyond would need the prefix field, and no path here does. */
const MAX_PATH_BYTES = 100;
const TYPES = { file: "0", link: "2", character: "3", directory: "5" } as const;
const DEFAULT_MODES = { file: 0o644, link: 0o777, character: 0o600, directory: 0o755 } as const;

const encoder = new TextEncoder();

/**
 * The archive of `entries` in the order given. Everything belongs to root and was made at `epoch`, seconds
 * since 1970, so that the same entries are the same bytes.
 *
 * @throws {Error} where a path is longer than the format has room for.
 */
export function packTar(entries: readonly Entry[], epoch: number): Uint8Array<ArrayBuffer> {
  const parts = entries.flatMap((entry) => {
    const content = entry.kind === "file" ? entry.bytes : new Uint8Array();
    const padding = (BLOCK_BYTES - content.length % BLOCK_BYTES) % BLOCK_BYTES;
    return [header(entry, content.length, epoch), content, new Uint8Array(padding)];
  });
  return concat([...parts, END]);
}

function header(entry: Entry, size: number, epoch: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (offset: number, text: string) => block.set(encoder.encode(text), offset);
  const octal = (offset: number, digits: number, value: number) =>
    put(offset, value.toString(8).padStart(digits, "0"));

  put(0, fitting(entry.kind === "directory" ? `${entry.path}/` : entry.path));
  octal(100, 7, ("mode" in entry ? entry.mode : undefined) ?? DEFAULT_MODES[entry.kind]);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, size);
  octal(136, 11, epoch);
  put(156, TYPES[entry.kind]);
  if (entry.kind === "link") put(157, fitting(entry.target));
  put(257, "ustar\0" + "00");
  const [major, minor] = entry.kind === "character" ? entry.device : [0, 0];
  octal(329, 7, major);
  octal(337, 7, minor);

  put(148, " ".repeat(8)); // the checksum counts its own field as blanks
  octal(148, 6, block.reduce((sum, byte) => sum + byte, 0));
  block[154] = 0;
  return block;
}

function fitting(path: string): string {
  if (encoder.encode(path).length <= MAX_PATH_BYTES) return path;
  throw new Error(`packing a layer: wanted paths of ${MAX_PATH_BYTES} bytes, found ${path}`);
}
