/**
 * The device or file that a disk image is written to.
 *
 * @module
 */

import type { Disk, DiskFile } from "../core/mod.ts";
import { findProgram, streamOf } from "./_program.ts";
import { SECTOR } from "./gpt.ts";

/** Bytes that are read at once where no program reads. */
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
  /**
   * A device that nobody else has open: what the kernel remembers of it is gone when it is closed, so that
   * it is closed and opened again to be read back, and no program is needed for that.
   */
  readonly alone?: boolean;
}

/** A block device, or a file that has its size already. */
export class DiskMedium implements Medium, Disposable {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** See {@linkcode Medium.blank}. */
  readonly blank: boolean;
  #options: DiskMediumOptions;
  #file: DiskFile;
  #dd?: string;

  private constructor(options: DiskMediumOptions, file: DiskFile, dd?: string) {
    this.name = options.name ?? options.path;
    this.blank = options.blank ?? false;
    this.size = file.size();
    this.#options = options;
    this.#file = file;
    this.#dd = dd;
  }

  /** Resolves when it is open. Errors are those of {@linkcode Disk}. */
  static async open(options: DiskMediumOptions): Promise<DiskMedium> {
    const { disk, path, alone } = options;
    const file = await disk.open(path, "update");
    return new DiskMedium(options, file, alone ? undefined : await directReader(path));
  }

  /** Whether {@linkcode readBack} asks the device itself, and not the kernel's memory of it. */
  get isDirect(): boolean {
    return this.#options.alone || this.#dd !== undefined;
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
    const { disk, path, alone } = this.#options;
    if (this.#dd) return yield* streamOf(this.#dd, readArguments(path, offset, length));
    if (alone) {
      await this.sync();
      this.#file.close();
      this.#file = await disk.open(path, "update");
    }
    this.#file.seek(offset);
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, length));
    for (let left = length; left > 0;) {
      const read = this.#file.read(buffer.subarray(0, left));
      if (!read) return;
      left -= read;
      yield buffer.subarray(0, read);
      // signals get their turn
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** The dd that reads `path` with O_DIRECT; undefined where none can: tmpfs has no such way. */
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
