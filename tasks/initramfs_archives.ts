/**
 * What a file is made of that the kernel unpacks as its initramfs: archives one after the other, each
 * plain or packed in its own way, with zeros between them (init/initramfs.c;
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * @module
 */

import { reasonOf } from "../mod/core/mod.ts";
import { listCpio, type Member, readCpio } from "./list_cpio.ts";
import { PACKINGS } from "./packing.ts";

/** One archive, or several that were packed together. */
export interface PackedArchive {
  /** `plain`: not packed, such as a processor's microcode before all others. */
  readonly packing: "plain" | keyof typeof PACKINGS;
  readonly members: readonly Member[];
}

/** Largest file. */
export const MAX_INITRAMFS_BYTES = 1 << 30;

/** Most bytes that all archives together unpack to. */
const MAX_UNPACKED_BYTES = 2 ** 31;

/** What the kernel knows besides (lib/decompress.c): programs, by the first bytes of what they make. */
const OTHERS = [
  { name: "bzip2", magic: [0x42, 0x5a] },
  { name: "lzma", magic: [0x5d, 0x00] },
  { name: "xz", magic: [0xfd, 0x37] },
  { name: "lzop", magic: [0x89, 0x4c] },
  { name: "lz4", magic: [0x02, 0x21] },
];

const ZERO = "0".charCodeAt(0);

/**
 * The archives in `bytes`, in the order in which the kernel unpacks them: a later one goes over those
 * before it. They unpack to `limit` bytes at most.
 *
 * @throws {Error} where one is not whole, is of another kind, or where the kernel would stop before the
 * end; it says at which byte.
 */
export function initramfsArchives(
  bytes: Uint8Array,
  limit: number = MAX_UNPACKED_BYTES,
): PackedArchive[] {
  if (bytes.length > MAX_INITRAMFS_BYTES) {
    throw new Error(`wanted at most ${MAX_INITRAMFS_BYTES} bytes, found ${bytes.length}`);
  }
  const archives: PackedArchive[] = [];
  let left = limit;
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === 0) {
      at++;
      continue;
    }
    const packing = packingAt(bytes, at, archives);
    try {
      if (packing === "plain") {
        const { members, end } = readCpio(bytes, at);
        archives.push({ packing, members });
        at = end;
      } else {
        const unpacked = PACKINGS[packing].unpack(bytes, at, left);
        archives.push({ packing, members: listCpio(unpacked.bytes) });
        left -= unpacked.bytes.length;
        at = unpacked.end;
      }
    } catch (error) {
      throw new Error(`the ${packing} archive at byte ${at}: ${reasonOf(error)}`, { cause: error });
    }
  }
  if (archives.length > 0) return archives;
  throw new Error("wanted an archive, found none");
}

function packingAt(
  bytes: Uint8Array,
  at: number,
  before: readonly PackedArchive[],
): PackedArchive["packing"] {
  const starts = (magic: readonly number[]) =>
    magic.every((byte, index) => bytes[at + index] === byte);
  if (at % 4 === 0 && bytes[at] === ZERO) return "plain";
  if (at % 4 && before.at(-1)?.packing === "plain") {
    throw new Error(`what follows a plain archive begins at byte ${at}, no multiple of four`);
  }
  for (const name of ["gzip", "zstd"] as const) {
    if (starts(PACKINGS[name].magic)) return name;
  }
  const other = OTHERS.find(({ magic }) => starts(magic));
  if (other) {
    const unpacked = `tail -c +${at + 1} FILE | ${other.name} -dc`;
    throw new Error(
      `the archive at byte ${at}: wanted gzip, zstd or none, found ${other.name}; pack it anew: ` +
        `(head -c ${at} FILE; ${unpacked} | zstd -19) >NEW`,
    );
  }
  throw new Error(
    `wanted ${before.length > 0 ? "another archive or the end" : "an archive"} at byte ${at}, ` +
      "found something else; the kernel would stop there",
  );
}
