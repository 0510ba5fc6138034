/**
 * Archives in the `newc` format of cpio, which the kernel unpacks at boot.
 *
 * @module
 */

import { concat } from "@std/bytes/concat";

/** One thing in an archive. Paths have no leading slash. */
export type Entry =
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | {
    readonly kind: "file";
    readonly path: string;
    readonly mode?: number;
    readonly bytes: Uint8Array;
  }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
    readonly kind: "character";
    readonly path: string;
    readonly mode?: number;
    readonly device: readonly [major: number, minor: number];
  };

/** The part of a mode that says what a thing is (inode(7)). */
export const TYPE_BITS = {
  directory: 0o040000,
  file: 0o100000,
  link: 0o120000,
  character: 0o020000,
};
const DEFAULT_MODE = { directory: 0o755, file: 0o644, link: 0o777, character: 0o600 };
/** Path of the record that ends an archive. */
export const TRAILER = "TRAILER!!!";

const MAGIC = "070701";

const encoder = new TextEncoder();

/**
 * The archive of `entries` as it is unpacked by root, in the order given: a directory comes before
 * what is in it. Everything belongs to root and was made at `epoch` (seconds since 1970).
 */
export function packCpio(entries: readonly Entry[], epoch: number): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  entries.forEach((entry, index) => {
    const body = bodyOf(entry);
    const mode = "mode" in entry ? entry.mode : undefined;
    parts.push(
      ...record({
        path: entry.path,
        // Two files with one number could be taken for hard links.
        inode: index + 1,
        mode: TYPE_BITS[entry.kind] | (mode ?? DEFAULT_MODE[entry.kind]),
        links: entry.kind === "directory" ? 2 : 1,
        epoch,
        device: entry.kind === "character" ? entry.device : [0, 0],
        body,
      }),
    );
  });
  parts.push(...record({ path: TRAILER, inode: 0, mode: 0, links: 1, epoch: 0, device: [0, 0] }));
  return concat(parts);
}

function bodyOf(entry: Entry): Uint8Array | undefined {
  if (entry.kind === "file") return entry.bytes;
  if (entry.kind === "link") return encoder.encode(entry.target);
}

interface RecordFields {
  readonly path: string;
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly epoch: number;
  readonly device: readonly [number, number];
  readonly body?: Uint8Array;
}

/** Header, name and body, each filled up to a multiple of four bytes. */
function record(fields: RecordFields): Uint8Array[] {
  const name = encoder.encode(`${fields.path}\0`);
  const body = fields.body ?? new Uint8Array();
  const numbers = [
    ...[fields.inode, fields.mode, 0, 0, fields.links, fields.epoch, body.length, 0, 0],
    ...[...fields.device, name.length, 0],
  ];
  const header = encoder.encode(
    MAGIC + numbers.map((number) => number.toString(16).toUpperCase().padStart(8, "0")).join(""),
  );
  return [header, name, filler(header.length + name.length), body, filler(body.length)];
}

/** `length` filled up to a multiple of four, as everything in an archive is. */
export function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function filler(length: number): Uint8Array {
  return new Uint8Array(padded(length) - length);
}
