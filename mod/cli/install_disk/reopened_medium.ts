/**
 * A disk that is written and read back without a program.
 *
 * @module
 */

import type { Disk, DiskFile } from "../../core/mod.ts";
import type { Medium } from "../../provision/mod.ts";

/** Bytes that are read at once. */
const CHUNK_BYTES = 4 << 20;

/**
 * A block device that nobody else has open. What the kernel remembers of it is gone when it is closed, so
 * that {@linkcode readBack}, which closes it and opens it again, asks the device.
 */
export class ReopenedMedium implements Medium, Disposable {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Nobody knows what is on it. */
  readonly blank = false;
  #disk: Disk;
  #path: string;
  #file: DiskFile;

  private constructor(disk: Disk, path: string, name: string, file: DiskFile) {
    this.name = name;
    this.size = file.size();
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
  }

  /** Resolves when it is open. Errors are those of {@linkcode Disk}. */
  static async open(disk: Disk, path: string, name: string): Promise<ReopenedMedium> {
    return new ReopenedMedium(disk, path, name, await disk.open(path, "update"));
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
    await this.sync();
    this.#file.close();
    this.#file = await this.#disk.open(this.#path, "update");
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
