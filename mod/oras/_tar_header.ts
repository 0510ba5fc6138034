/** Headers of tar files: POSIX ustar and pax (IEEE 1003.1, pax, "ustar Interchange Format"), and GNU's. */

import { OrasError } from "./errors.ts";

/** Bytes of a header, and the multiple to which content is filled up. */
export const BLOCK_BYTES = 512;

/** A field's first byte, and how many it has. */
type Field = readonly [offset: number, length: number];

const NAME: Field = [0, 100];
const MODE: Field = [100, 8];
const UID: Field = [108, 8];
const GID: Field = [116, 8];
const SIZE: Field = [124, 12];
const MTIME: Field = [136, 12];
const CHECKSUM: Field = [148, 8];
const TYPE: Field = [156, 1];
const MAGIC: Field = [257, 6];
const VERSION: Field = [263, 2];
const PREFIX: Field = [345, 155];

const POSIX_MAGIC = "ustar\0";

/** Largest number in a {@linkcode SIZE} of octal digits: 8 GiB less one. */
const MAX_OCTAL_SIZE = 0o77777777777;

/** What a header says. */
export interface TarHeader {
  readonly name: string;
  /** Bytes of the content that follows. */
  readonly size: number;
  /** One character: `0` a regular file, `5` a directory, `x` pax records, `L` a long name by GNU. */
  readonly type: string;
}

/** Whether this is an empty block: two of them end a tar file. */
export function isEndBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** What a header says; throws `content` where it is none. */
export function readTarHeader(block: Uint8Array): TarHeader {
  if (checksum(block) !== readNumber(block, CHECKSUM)) {
    throw new OrasError("content", "reading a tar header", "another checksum: not a tar file");
  }
  // GNU's magic is another one, and what POSIX calls the prefix is something else there.
  const prefix = latin1(block, MAGIC) === POSIX_MAGIC ? text(block, PREFIX) : "";
  const name = text(block, NAME);
  const type = latin1(block, TYPE);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size: readNumber(block, SIZE),
    type: type === "\0" || type === "7" ? "0" : type,
  };
}

/** The block of a header by root at the beginning of 1970, so that the same content is the same file. */
export function writeTarHeader({ name, size, type }: TarHeader): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = ([offset]: Field, text: string) => block.set(new TextEncoder().encode(text), offset);
  put(NAME, name);
  put(MODE, type === "5" ? "0000755" : "0000644");
  put(UID, "0000000");
  put(GID, "0000000");
  put(MTIME, "00000000000");
  put(TYPE, type);
  put(MAGIC, POSIX_MAGIC);
  put(VERSION, "00");
  if (size <= MAX_OCTAL_SIZE) put(SIZE, size.toString(8).padStart(11, "0"));
  else {
    // GNU's base-256, which every tar of today reads.
    const [offset, length] = SIZE;
    block[offset] = 0x80;
    new DataView(block.buffer).setBigUint64(offset + length - 8, BigInt(size));
  }
  put(CHECKSUM, `${checksum(block).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** Zeroes that fill `size` bytes of content up to whole blocks. */
export function tarPadding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES);
}

/** Records of pax: a decimal length of the whole, a blank, name, `=`, value, a line feed. */
export function readPaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  const malformed = () => new OrasError("content", "reading a tar file", "malformed pax records");
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at);
    const length = blank < 0 ? "" : new TextDecoder().decode(bytes.subarray(at, blank));
    const end = at + Number(length);
    if (!/^[1-9]\d{0,8}$/.test(length) || end > bytes.length || end <= blank + 1) {
      throw malformed();
    }
    const record = new TextDecoder().decode(bytes.subarray(blank + 1, end));
    const equals = record.indexOf("=");
    if (equals < 1 || !record.endsWith("\n")) throw malformed();
    records.set(record.slice(0, equals), record.slice(equals + 1, -1));
    at = end;
  }
  return records;
}

/** The sum of all bytes, those of the checksum itself as blanks. */
function checksum(block: Uint8Array): number {
  const [offset, length] = CHECKSUM;
  return block.reduce((sum, byte, at) => {
    return sum + (at >= offset && at < offset + length ? 0x20 : byte);
  }, 0);
}

function readNumber(block: Uint8Array, field: Field): number {
  const [offset, length] = field;
  const digits = latin1(block, field).replace(/^ +/, "").replace(/[\0 ].*$/s, "");
  const number = block[offset] === 0x80
    ? block.subarray(offset + 1, offset + length).reduce((value, byte) => value * 256 + byte, 0)
    : /^[0-7]*$/.test(digits)
    ? parseInt(digits || "0", 8)
    : NaN;
  if (!Number.isSafeInteger(number)) {
    throw new OrasError("content", "reading a tar header", "a number that is none");
  }
  return number;
}

function text(block: Uint8Array, [offset, length]: Field): string {
  return untilZero(block.subarray(offset, offset + length));
}

/** The text up to the first zero. */
export function untilZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function latin1(block: Uint8Array, [offset, length]: Field): string {
  return String.fromCharCode(...block.subarray(offset, offset + length));
}
