/** The regular files of a tar, in their order: read, and written. */

import {
  BLOCK_BYTES,
  isEndBlock,
  readPaxRecords,
  readTarHeader,
  tarPadding,
  untilZero,
  writeTarHeader,
} from "./_tar_header.ts";
import { OrasError } from "./errors.ts";

/** Most headers of one tar file. */
const MAX_TAR_HEADERS = 262_144;
/** Largest pax header or long name in bytes. */
const MAX_EXTENSION_BYTES = 64 * 1024;

/** The bytes of a tar, gone through once. */
export interface TarBytes {
  /** How many are behind us. */
  readonly position: number;
  /** Whether there are no more. */
  ended(): Promise<boolean>;
  /** The next ones, all of them. */
  exactly(count: number): Promise<Uint8Array>;
  /** Passes over everything before `position`; padding that the end lacks is none. */
  skipTo(position: number): Promise<void>;
  /** An error for what was found. */
  wrong(found: string): OrasError;
}

/** A regular file of a tar; its content begins where the bytes are when it is handed out. */
export interface TarEntry {
  /** As the header or its extensions have it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * All regular files, with the names and sizes that extensions give them. Whoever gets one may read its
 * content before the next is asked for.
 */
export async function* regularFiles(tar: TarBytes): AsyncGenerator<TarEntry> {
  let extension: Partial<TarEntry> = {};
  for (let count = 0; count < MAX_TAR_HEADERS; count++) {
    if (count > 0 && await tar.ended()) return;
    const block = await tar.exactly(BLOCK_BYTES);
    if (isEndBlock(block)) return;
    const header = readTarHeader(block);
    if (header.type === "x") {
      extension = { ...extension, ...fromPax(readPaxRecords(await content(tar, header.size))) };
    } else if (header.type === "L") {
      extension = { ...extension, name: untilZero(await content(tar, header.size)) };
    } else {
      const isGlobal = ["g", "K"].includes(header.type);
      const { name = header.name, size = header.size } = isGlobal ? {} : extension;
      if (!isGlobal) extension = {};
      const end = tar.position + size;
      if (header.type === "0") yield { name, size };
      await tar.skipTo(end);
      await skipPadding(tar, size);
    }
  }
  throw tar.wrong(`more than ${MAX_TAR_HEADERS} headers`);
}

/** Content that is read at once. */
async function content(tar: TarBytes, size: number): Promise<Uint8Array> {
  if (size > MAX_EXTENSION_BYTES) throw tar.wrong("an extension that is too large");
  const bytes = await tar.exactly(size);
  await skipPadding(tar, size);
  return bytes;
}

async function skipPadding(tar: TarBytes, size: number): Promise<void> {
  if (!await tar.ended()) await tar.skipTo(tar.position + tarPadding(size).length);
}

function fromPax(records: ReadonlyMap<string, string>): Partial<TarEntry> {
  const [path, size] = [records.get("path"), records.get("size")];
  if (size !== undefined && !/^\d{1,15}$/.test(size)) {
    throw new OrasError("content", "reading a tar file", "a size in pax records that is none");
  }
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

/** Header, content and padding of one file. */
export async function* tarEntry(
  { name, size, content }: TarEntry & { readonly content: AsyncIterable<Uint8Array> },
): AsyncGenerator<Uint8Array> {
  yield writeTarHeader({ name, size, type: "0" });
  yield* content;
  yield tarPadding(size);
}

/** Two empty blocks: the end of a tar. */
export function tarEnd(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(2 * BLOCK_BYTES);
}
