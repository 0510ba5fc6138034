/**
 * The machine's real disks, over Deno's file APIs.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import type { Disk, DiskFile, OpenMode } from "../core/mod.ts";

/** Permissions of a file that the agent makes: anybody may read it, root alone may write it. */
const FILE_MODE = 0o644;

/** Permissions of a file that nobody but root may read. */
export const PRIVATE_MODE = 0o600;

const OPEN_OPTIONS: Readonly<Record<OpenMode, Deno.OpenOptions>> = {
  read: { read: true },
  update: { read: true, write: true },
  create: { read: true, write: true, create: true },
  replace: { read: true, write: true, create: true, truncate: true },
};

/**
 * The disks as the kernel shows them. Errors are Deno's own, with the path in their message.
 *
 * @example A small file that outlives a power cut
 * ```ts
 * import { DenoDisk } from "@kubesolo/update/host";
 * import { replaceFile } from "@kubesolo/update/core";
 *
 * const directory = await Deno.makeTempDir();
 * await replaceFile(new DenoDisk(), `${directory}/note`, new TextEncoder().encode("kept"));
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export class DenoDisk implements Disk {
  #mode: number;

  /** `fileMode`: permissions of files that it makes; those of files that are there stay. */
  constructor({ fileMode = FILE_MODE }: { readonly fileMode?: number } = {}) {
    this.#mode = fileMode;
  }

  /** Opens a regular file or a block device; see {@linkcode OpenMode}. */
  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const { create } = OPEN_OPTIONS[mode];
    const options = { ...OPEN_OPTIONS[mode], ...(create ? { mode: this.#mode } : {}) };
    return new DenoDiskFile(await Deno.open(path, options));
  }

  /** Length of the regular file at `path` in bytes; undefined where there is none. */
  async size(path: string): Promise<number | undefined> {
    try {
      const info = await Deno.stat(path);
      return info.isFile ? info.size : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Names in the directory, sorted. */
  async list(path: string): Promise<string[]> {
    const names: string[] = [];
    for await (const entry of Deno.readDir(path)) names.push(entry.name);
    return names.sort();
  }

  /** Renames in one step; what was at `to` is gone. Durable after {@linkcode syncDirectory}. */
  async rename(from: string, to: string): Promise<void> {
    await Deno.rename(from, to);
  }

  /** `path` is gone, whether or not it was there. Durable after {@linkcode syncDirectory}. */
  async remove(path: string): Promise<void> {
    try {
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** The directory and those above it are there. */
  async makeDirectory(path: string): Promise<void> {
    await Deno.mkdir(path, { recursive: true });
  }

  /** The names in the directory are durable: fsync(2) on the directory itself. */
  async syncDirectory(path: string): Promise<void> {
    using directory = await Deno.open(path, OPEN_OPTIONS.read);
    await directory.sync();
  }

  /** Bytes that the file system of `path` still takes from anybody but root's reserve. */
  async free(path: string): Promise<number> {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  }
}

/** One open file of a {@linkcode DenoDisk}. */
class DenoDiskFile implements DiskFile {
  #file: Deno.FsFile;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  read(into: Uint8Array): number | null {
    return this.#file.readSync(into);
  }

  write(bytes: Uint8Array): void {
    // write(2) may take less than it is given
    for (let written = 0; written < bytes.length;) {
      const taken = this.#file.writeSync(bytes.subarray(written));
      if (taken === 0) {
        throw new Deno.errors.WriteZero(`${written} of ${bytes.length} bytes written`);
      }
      written += taken;
    }
  }

  seek(offset: number): void {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
  }

  size(): number {
    // stat(2) says 0 of a block device; its end does not lie
    const position = this.#file.seekSync(0, Deno.SeekMode.Current);
    const end = this.#file.seekSync(0, Deno.SeekMode.End);
    this.#file.seekSync(position, Deno.SeekMode.Start);
    return end;
  }

  truncate(length: number): void {
    this.#file.truncateSync(length);
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
