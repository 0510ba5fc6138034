/** Where the files of a tar are. */

import { fileSize, io } from "./_files.ts";
import {
  BLOCK_BYTES,
  isEndBlock,
  readPaxRecords,
  readTarHeader,
  type TarHeader,
  tarPadding,
  untilZero,
} from "./_tar_header.ts";
import { OrasError } from "./errors.ts";

/** Most headers of one tar file. */
const MAX_TAR_HEADERS = 262_144;
/** Largest pax header or long name in bytes. */
const MAX_EXTENSION_BYTES = 64 * 1024;

/** Where the bytes of a file are, in the tar. */
export interface TarExtent {
  readonly start: number;
  readonly size: number;
}

/**
 * The regular files of the tar whose names `wanted` wants, without a leading `./`; of two with one name the
 * later. Content is passed over, not read.
 */
export async function indexTar(
  path: string,
  wanted: (name: string) => boolean,
): Promise<ReadonlyMap<string, TarExtent>> {
  const length = await fileSize(path);
  if (length === undefined) throw new OrasError("missing", `reading ${path}`, "no such file");
  using file = await io(`reading ${path}`, () => Deno.open(path));
  const found = new Map<string, TarExtent>();
  for await (const { name, start, size } of regularFiles(new TarReader(path, file, length))) {
    const plain = name.replace(/^(\.\/+)+/, "");
    if (wanted(plain)) found.set(plain, { start, size });
  }
  return found;
}

/** All regular files, with the names and sizes that extensions give them. */
async function* regularFiles(tar: TarReader): AsyncGenerator<TarExtent & { name: string }> {
  let extension: { name?: string; size?: number } = {};
  for (let count = 0; count < MAX_TAR_HEADERS; count++) {
    const header = await tar.header();
    if (!header) return;
    if (header.type === "x") {
      extension = { ...extension, ...fromPax(readPaxRecords(await tar.extension(header.size))) };
    } else if (header.type === "L") {
      extension = { ...extension, name: untilZero(await tar.extension(header.size)) };
    } else if (["g", "K"].includes(header.type)) {
      tar.skip(header.size);
    } else {
      const { name = header.name, size = header.size } = extension;
      extension = {};
      const start = tar.skip(size);
      if (header.type === "0") yield { name, start, size };
    }
  }
  throw tar.wrong(`more than ${MAX_TAR_HEADERS} headers`);
}

function fromPax(records: ReadonlyMap<string, string>): { name?: string; size?: number } {
  const [path, size] = [records.get("path"), records.get("size")];
  if (size !== undefined && !/^\d{1,15}$/.test(size)) {
    throw new OrasError("content", "reading a tar file", "a size in pax records that is none");
  }
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

/** Goes through a tar file from header to header. */
class TarReader {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #length: number;
  #at = 0;

  constructor(path: string, file: Deno.FsFile, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
  }

  /** The next header; undefined at the end, which an empty block or the file's end is. */
  async header(): Promise<TarHeader | undefined> {
    if (this.#at === this.#length && this.#at > 0) return undefined;
    const block = await this.#read(BLOCK_BYTES);
    return isEndBlock(block) ? undefined : readTarHeader(block);
  }

  /** Content that is read at once. */
  async extension(size: number): Promise<Uint8Array> {
    if (size > MAX_EXTENSION_BYTES) throw this.wrong("an extension that is too large");
    const bytes = await this.#read(size);
    this.#at += tarPadding(size).length;
    return bytes;
  }

  /** Passes over content; where it begins. */
  skip(size: number): number {
    const start = this.#at;
    if (start + size > this.#length) throw this.wrong("ends in the middle of a file");
    this.#at = Math.min(start + size + tarPadding(size).length, this.#length);
    return start;
  }

  async #read(size: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(size);
    if (this.#at + size > this.#length) throw this.wrong("ends in the middle of a header");
    await io(`reading ${this.#path}`, async () => {
      await this.#file.seek(this.#at, Deno.SeekMode.Start);
      for (let done = 0; done < size;) {
        const more = await this.#file.read(bytes.subarray(done));
        if (!more) throw this.wrong("ends early");
        done += more;
      }
    });
    this.#at += size;
    return bytes;
  }

  wrong(found: string): OrasError {
    return new OrasError("content", `reading ${this.#path}`, found);
  }
}
