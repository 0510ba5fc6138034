/**
 * The state file.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import {
  type Disk,
  formatState,
  MAX_STATE_BYTES,
  NEW_STATE,
  parseState,
  readSmall,
  reasonOf,
  replaceFile,
  type StateStore,
  UpdateError,
  type UpdateState,
} from "../core/mod.ts";

/** Garbled state files that are kept for whoever wants to know; the oldest go first. */
export const MAX_SET_ASIDE = 3;

/** Keeps the state in one JSON file, replaced in one step at every save. */
export class FileStateStore implements StateStore {
  #disk: Disk;
  #path: string;
  #directory: string;
  #now: () => Date;
  #directoryIsDurable = false;

  /** The store at `path`; directories are made at the first save. */
  constructor(disk: Disk, path: string, now: () => Date = () => new Date()) {
    this.#disk = disk;
    this.#path = path;
    this.#directory = dirname(path);
    this.#now = now;
  }

  /**
   * The state; {@linkcode NEW_STATE} where there is none. A file that is not what the agent writes is
   * set aside beside it, and the warning says why and where.
   *
   * @throws {UpdateError} `slot` where there is a file that cannot be read at all.
   */
  async load(): Promise<{ readonly state: UpdateState; readonly warning?: string }> {
    const bytes = await this.#read();
    if (bytes === undefined) return { state: NEW_STATE };
    let problem: string;
    try {
      return { state: parse(bytes) };
    } catch (error) {
      problem = reasonOf(error);
    }
    const fate = await this.#setAside();
    return {
      state: NEW_STATE,
      warning:
        `${this.#path} is garbled (${problem}): ${fate}; phase and ledger start anew, so a release that failed here may be tried again`,
    };
  }

  /**
   * The state as {@linkcode load} gives it, for who only watches: a garbled file stays where it is.
   *
   * @throws {Error} saying why it is garbled, or cannot be read at all.
   */
  async look(): Promise<UpdateState> {
    const bytes = await this.#read();
    return bytes === undefined ? NEW_STATE : parse(bytes);
  }

  /**
   * Resolves when `state` is durable; after a power cut the file has the old state or the new one.
   *
   * @throws {UpdateError} `slot` where it cannot be written.
   */
  async save(state: UpdateState): Promise<void> {
    try {
      await this.#disk.makeDirectory(this.#directory);
      if (!this.#directoryIsDurable) {
        await this.#disk.syncDirectory(dirname(this.#directory));
        this.#directoryIsDurable = true;
      }
      await replaceFile(this.#disk, this.#path, new TextEncoder().encode(formatState(state)));
    } catch (error) {
      throw this.#failure("saving", error, "see that its file system is mounted and has room");
    }
  }

  /** The file's bytes; `null` where it is too long, undefined where there is none. */
  async #read(): Promise<Uint8Array | null | undefined> {
    try {
      if (await this.#disk.size(this.#path) === undefined) return undefined;
      return await readSmall(this.#disk, this.#path, MAX_STATE_BYTES);
    } catch (error) {
      throw this.#failure("reading", error, "see that its file system is well, and run it as root");
    }
  }

  async #setAside(): Promise<string> {
    const stamp = this.#now().toISOString().replaceAll(/[-:.]/g, "");
    const aside = `${this.#path}.garbled-${stamp}`;
    try {
      await this.#disk.rename(this.#path, aside);
      await this.#removeOldest();
      await this.#disk.syncDirectory(this.#directory);
      return `it was set aside as ${aside}`;
    } catch (error) {
      // the next save reports a disk that does not take writes; reading is none of its business
      return `it could not be set aside (${reasonOf(error)})`;
    }
  }

  async #removeOldest(): Promise<void> {
    const prefix = `${basename(this.#path)}.garbled-`;
    const names = (await this.#disk.list(this.#directory)).filter((name) =>
      name.startsWith(prefix)
    );
    for (const name of names.sort().slice(0, -MAX_SET_ASIDE)) {
      await this.#disk.remove(`${this.#directory}/${name}`);
    }
  }

  #failure(verb: string, cause: unknown, advice: string): UpdateError {
    return new UpdateError("slot", {
      operation: `${verb} the state ${this.#path}`,
      found: reasonOf(cause),
      advice,
      cause,
    });
  }
}

function parse(bytes: Uint8Array | null): UpdateState {
  if (!bytes) throw new Error(`longer than ${MAX_STATE_BYTES} bytes`);
  return parseState(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}
