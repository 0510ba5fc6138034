/**
 * The boot environment in GRUB's two files, written so that a power cut at any moment leaves a copy
 * that GRUB believes.
 *
 * @module
 */

import {
  BOOT_ATTEMPTS,
  type BootEnv,
  type BootStatus,
  type BootVariables,
  type Disk,
  readSmall,
  replaceFile,
  type Slot,
  UpdateError,
  withFile,
} from "../core/mod.ts";
import { diskError } from "./_disk_error.ts";
import {
  believed,
  changesFor,
  type Copy,
  equal,
  hasVariables,
  inWritingOrder,
  says,
  settable,
} from "./_copies.ts";
import { BLOCK_BYTES } from "./block.ts";
import { type BlockEditor, ownEditor } from "./block_editor.ts";
import { COPY_NAMES, readCopy, statusOf } from "./read_copy.ts";

/** A copy longer than this many bytes is not read: it is no environment block. */
const MAX_COPY_BYTES = 64 << 10;

/**
 * Runs `body` with the directory that holds `grubenv` and `grubenv.bak`, and cleans up whatever
 * happens: a mounted EFI system partition, or a directory that is there anyway.
 */
export type GrubPlace = <T>(
  access: "read" | "write",
  body: (directory: string) => Promise<T>,
) => Promise<T>;

/** What {@linkcode GrubBootEnv} works with. */
export interface GrubBootEnvOptions {
  /** What the files are read and written through. */
  readonly disk: Disk;
  /** Where the files are. */
  readonly place: GrubPlace;
  /** Who makes the bytes; the codec where not given. */
  readonly editor?: BlockEditor;
}

/** {@linkcode BootEnv} over `grubenv` and `grubenv.bak`. */
export class GrubBootEnv implements BootEnv {
  #disk: Disk;
  #place: GrubPlace;
  #editor: BlockEditor;

  /** Nothing is touched until a method is called. */
  constructor(options: GrubBootEnvOptions) {
    this.#disk = options.disk;
    this.#place = options.place;
    this.#editor = options.editor ?? ownEditor;
  }

  /**
   * Both copies, read from disk; a copy that is no environment is a problem in the answer, no error.
   * @throws {UpdateError} `slot` where the directory cannot be reached or a file cannot be read.
   */
  read(): Promise<BootStatus> {
    return this.#at("read", async (directory) => {
      const copies = await this.#load(directory);
      return statusOf(copies.map(({ name, bytes }) => readCopy(name, bytes)));
    });
  }

  /**
   * Resolves when both copies on disk say: boot `slot`, on trial, {@linkcode BOOT_ATTEMPTS} times.
   * @throws {UpdateError} `slot` where that could not be written and read back.
   */
  try(slot: Slot): Promise<void> {
    return this.#write({ active: slot, counter: BOOT_ATTEMPTS, success: false });
  }

  /**
   * Resolves when both copies on disk say: boot `slot`, confirmed. Writes only what differs.
   * @throws {UpdateError} `slot` where that could not be written and read back.
   */
  confirm(slot: Slot): Promise<void> {
    return this.#write({ active: slot, counter: BOOT_ATTEMPTS, success: true });
  }

  async #write(wanted: BootVariables): Promise<void> {
    // looked at first, so that a confirmed node does not even mount its ESP for writing
    const before = await this.#at("read", (directory) => this.#load(directory));
    const block = await this.#make(before, wanted);
    if (before.every(({ bytes }) => equal(bytes, block))) return;
    await this.#at("write", async (directory) => {
      for (const copy of inWritingOrder(await this.#load(directory))) {
        if (!equal(copy.bytes, block)) await this.#writeCopy(`${directory}/${copy.name}`, block);
      }
    });
  }

  /** The new block: variables of others are kept from the copy that GRUB goes by. */
  async #make(copies: readonly Copy[], wanted: BootVariables): Promise<Uint8Array<ArrayBuffer>> {
    const base = (copies.find(believed) ?? copies.find(hasVariables))?.bytes ?? undefined;
    const changes = changesFor(wanted);
    if (base?.length === BLOCK_BYTES) {
      const block = await this.#editor.edit(base, changes).catch(() => undefined);
      if (block && says(block, changes)) return block;
    }
    // no block, a broken one, or one that names a variable twice, where GRUB sets one and reads another
    return await this.#editor.edit(undefined, { ...settable(base), ...changes });
  }

  async #load(directory: string): Promise<Copy[]> {
    const copies: Copy[] = [];
    for (const name of COPY_NAMES) {
      const path = `${directory}/${name}`;
      const there = await this.#disk.size(path) !== undefined;
      const bytes = there ? await readSmall(this.#disk, path, MAX_COPY_BYTES) : null;
      copies.push({ name, bytes: there ? bytes ?? new Uint8Array(MAX_COPY_BYTES + 1) : null });
    }
    return copies;
  }

  async #writeCopy(path: string, block: Uint8Array): Promise<void> {
    if (await this.#disk.size(path) === block.length) await this.#overwrite(path, block);
    else await replaceFile(this.#disk, path, block);
    const found = await readSmall(this.#disk, path, block.length);
    if (!equal(found, block)) {
      throw new UpdateError("slot", {
        operation: `writing ${path}`,
        found: "it reads back differently",
        advice: "the disk may be failing: look into the kernel's log, and replace it",
      });
    }
  }

  /** In place: no truncation, no new cluster, so that no moment exists in which the file is empty. */
  async #overwrite(path: string, block: Uint8Array): Promise<void> {
    await withFile(this.#disk, path, "update", async (file) => {
      file.write(block);
      await file.sync();
    });
  }

  async #at<T>(access: "read" | "write", body: (directory: string) => Promise<T>): Promise<T> {
    const operation = access === "read"
      ? "reading the boot environment"
      : "writing the boot environment";
    try {
      return await this.#place(access, body);
    } catch (error) {
      throw diskError(operation, error);
    }
  }
}
