/**
 * The device or file that a disk image is written to.
 *
 * @module
 */

import type { Disk, DiskFile } from "../core/mod.ts";
import { findProgram, streamOf } from "./_program.ts";
import { SECTOR } from "./gpt.ts";

/** Bytes that are read at once where no program reads past the cache. */
const CHUNK_BYTES = 4 << 20;

/** What is written to. A test places a fault here. */
export interface Medium {
  /** For messages: `/dev/sdb`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Whether all of it is zeros already: then zeros need not be written. */
  readonly blank: boolean;
  /** Writes all of `bytes` at `offset`. */
  write(offset: number, bytes: Uint8Array): void;
  /** Resolves when what was written is durable. */
  sync(): Promise<void>;
  /** `length` bytes from `offset` on, as the device gives them now. Both are whole sectors. */
  readBack(offset: number, length: number): AsyncIterable<Uint8Array>;
}

/** How a {@linkcode DiskMedium} is opened. */
export interface DiskMediumOptions {
  /** Opens it. */
  readonly disk: Disk;
  /** Where it can be opened. */
  readonly path: string;
  /** For messages; the path where it is left out. */
  readonly name?: string;
  /** A new file, which is all zeros. */
  readonly blank?: boolean;
}

/** A block device, or a file that has its size already. */
export class DiskMedium implements Medium, Disposable {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** See {@linkcode Medium.blank}. */
  readonly blank: boolean;
  #path: string;
  #file: DiskFile;
  #dd?: string;

  private constructor(options: DiskMediumOptions, file: DiskFile, dd?: string) {
    this.name = options.name ?? options.path;
    this.blank = options.blank ?? false;
    this.size = file.size();
    this.#path = options.path;
    this.#file = file;
    this.#dd = dd;
  }

  /** Resolves when it is open. Errors are those of {@linkcode Disk}. */
  static async open(options: DiskMediumOptions): Promise<DiskMedium> {
    const file = await options.disk.open(options.path, "update");
    return new DiskMedium(options, file, await directReader(options.path));
  }

  /** Whether {@linkcode readBack} asks the device itself (O_DIRECT), and not the kernel's memory of it. */
  get isDirect(): boolean {
    return this.#dd !== undefined;
  }

  /** Writes all of `bytes` at `offset`. */
  write(offset: number, bytes: Uint8Array): void {
    this.#file.seek(offset);
    this.#file.write(bytes);
  }

  /** Resolves when what was written is durable. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /** See {@linkcode Medium.readBack}. */
  async *readBack(offset: number, length: number): AsyncIterable<Uint8Array> {
    if (this.#dd) return yield* streamOf(this.#dd, readArguments(this.#path, offset, length));
    this.#file.seek(offset);
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let left = length; left > 0;) {
      const read = this.#file.read(buffer.subarray(0, left));
      if (!read) return;
      left -= read;
      yield buffer.subarray(0, read);
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** The dd that reads `path` past the kernel's cache; undefined where none can: tmpfs has no such way. */
async function directReader(path: string): Promise<string | undefined> {
  const dd = await findProgram("dd");
  if (!dd) return undefined;
  try {
    for await (const _ of streamOf(dd, readArguments(path, 0, SECTOR)));
    return dd;
  } catch {
    return undefined;
  }
}

function readArguments(path: string, offset: number, length: number): string[] {
  const flags = "iflag=direct,skip_bytes,count_bytes,fullblock";
  return [`if=${path}`, `skip=${offset}`, `count=${length}`, "bs=4M", flags];
}
