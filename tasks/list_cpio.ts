/**
 * Reading archives in the `newc` format of cpio the way the kernel does (init/initramfs.c;
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * @module
 */

import { type Entry, padded, TRAILER, TYPE_BITS } from "./cpio.ts";

/** What an archive holds, as far as packing more into it needs to know. */
export interface Member {
  /** Without leading slash or dot. */
  readonly path: string;
  readonly kind: Entry["kind"] | "other";
  /** Of a link. */
  readonly target?: string;
  /** Names that the file has; more than one are hard links. */
  readonly names: number;
  /** Its contents, not copied. */
  readonly bytes: Uint8Array;
}

/** One archive out of a row of them. */
export interface CpioArchive {
  readonly members: readonly Member[];
  /** Behind its last record. */
  readonly end: number;
}

const HEADER_BYTES = 110;

/** `070702` has checksums, which the kernel does not look at. */
const HEADER = /^07070[12][0-9A-Fa-f]{104}$/;

/** Longest name with its zero at the end: PATH_MAX, beyond which the kernel leaves things out. */
const MAX_NAME_BYTES = 4096;

/**
 * Lists the archives in `bytes`, one after the other, with zeros between them.
 *
 * @throws {Error} where they are not whole, or not of the newc format.
 */
export function listCpio(bytes: Uint8Array): Member[] {
  const members: Member[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === 0) {
      at++;
      continue;
    }
    if (at % 4) throw new Error(`wanted an archive at a multiple of four bytes, found it at ${at}`);
    const archive = readCpio(bytes, at);
    members.push(...archive.members);
    at = archive.end;
  }
  return members;
}

/**
 * Reads the archive that begins `at`, up to its last record.
 *
 * @throws {Error} where it breaks off, or is not of the newc format.
 */
export function readCpio(bytes: Uint8Array, at: number): CpioArchive {
  const members: Member[] = [];
  const decoder = new TextDecoder();
  while (true) {
    const header = decoder.decode(bytes.subarray(at, at + HEADER_BYTES));
    if (at + HEADER_BYTES > bytes.length) {
      throw new Error(`the archive breaks off after ${bytes.length} bytes, before its last record`);
    }
    if (!HEADER.test(header)) {
      throw new Error(`wanted a newc archive, found something else at byte ${at}`);
    }
    const field = (index: number) => parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
    const [mode, names, size, nameSize] = [field(1), field(4), field(6), field(11)];
    if (nameSize > MAX_NAME_BYTES) {
      throw new Error(`wanted names of ${MAX_NAME_BYTES} bytes, found ${nameSize} at byte ${at}`);
    }
    const nameAt = at + HEADER_BYTES;
    const name = decoder.decode(bytes.subarray(nameAt, nameAt + nameSize)).replace(/\0.*$/s, "");
    const bodyAt = padded(nameAt + nameSize);
    const body = bytes.subarray(bodyAt, bodyAt + size);
    if (bodyAt + size > bytes.length) {
      throw new Error(`the archive breaks off after ${bytes.length} bytes, in ${name}`);
    }
    at = padded(bodyAt + size);
    if (name === TRAILER) return { members, end: at };
    const path = name.replace(/^(\.?\/)+|^\.$/g, "");
    const kind = kindOf(mode);
    const target = kind === "link" ? decoder.decode(body) : undefined;
    if (path) members.push({ path, kind, names, bytes: body, ...target && { target } });
  }
}

function kindOf(mode: number): Member["kind"] {
  const bits = mode & 0o170000;
  const kinds = ["directory", "file", "link", "character"] as const;
  return kinds.find((kind) => TYPE_BITS[kind] === bits) ?? "other";
}
