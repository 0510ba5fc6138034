/**
 * One agent at a time.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../core/mod.ts";

/** Most bytes that are read of a lock that another agent holds. */
export const MAX_LOCK_BYTES = 4 << 10;

/** Most characters of a lock's text that are shown. */
const MAX_SHOWN = 64;

const READER = { who: "another process, such as `doctor`, is reading the slots" };

/**
 * An exclusive lock on the file `lock` in a directory. The kernel keeps it, flock(2): it ends with the
 * process that holds it, whatever happens to that, and a file left behind locks nothing. The file's
 * text is only there to say who it is.
 */
export class UpdateLock {
  #directory: string;

  /** The lock in `directory`, which is made where it is absent. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Resolves with the lock held; disposing of the result, or the end of the process, releases it.
   *
   * @throws {UpdateError} `refused` where another agent holds it; `slot` where the file cannot be
   * opened.
   */
  async acquire(command: string): Promise<Disposable> {
    const path = `${this.#directory}/lock`;
    const file = await this.#open(path);
    try {
      if (!await file.tryLock(true)) {
        // who shares it has not written who it is, and the text may be that of an agent long gone
        throw held(path, await file.tryLock(false) ? READER : readHolder(file));
      }
      write(file, `${JSON.stringify({ pid: Deno.pid, command, since: new Date() })}\n`);
      return {
        [Symbol.dispose]() {
          write(file, "");
          file.close();
        },
      };
    } catch (error) {
      file.close();
      throw error instanceof UpdateError ? error : unusable(path, error);
    }
  }

  /**
   * Resolves with the lock shared with others who only read: nobody acquires it until the result is
   * disposed of. Nothing is written: where there is no lock yet it is not made, and nobody kept out.
   *
   * @throws {UpdateError} `refused` where another agent has acquired it; `slot` where the file cannot be
   * opened.
   */
  async share(): Promise<Disposable | undefined> {
    const path = `${this.#directory}/lock`;
    let file: Deno.FsFile;
    try {
      file = await Deno.open(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw unusable(path, error);
    }
    if (await file.tryLock(false)) return file;
    using unshared = file;
    throw held(path, readHolder(unshared));
  }

  /** Who holds it just now; undefined: nobody. Nothing is written, not even where there is no lock yet. */
  async holder(): Promise<string | undefined> {
    try {
      // given back at once
      using _lock = await this.share();
      return undefined;
    } catch (error) {
      if (error instanceof UpdateError && error.code === "refused") return error.found;
      throw error;
    }
  }

  async #open(path: string): Promise<Deno.FsFile> {
    try {
      await Deno.mkdir(this.#directory, { recursive: true });
      return await Deno.open(path, { read: true, write: true, create: true, mode: 0o644 });
    } catch (error) {
      throw unusable(path, error);
    }
  }
}

/** Nobody relies on this text: a disk that is full must not stop a rollback. */
function write(file: Deno.FsFile, text: string): void {
  try {
    file.truncateSync(0);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(text));
  } catch {
    // who holds it cannot be told then
  }
}

/** Who holds the lock, as far as its text can be read. */
function readHolder(file: Deno.FsFile): { who: string; pid?: number } {
  try {
    const buffer = new Uint8Array(MAX_LOCK_BYTES);
    const length = file.readSync(buffer) ?? 0;
    const value: unknown = JSON.parse(new TextDecoder().decode(buffer.subarray(0, length)));
    const { pid, command, since } = value as Record<string, unknown>;
    if (typeof pid !== "number" || !Number.isSafeInteger(pid)) throw new Error("no pid");
    return { who: `process ${pid}, ${shown(command)}, has held it since ${shown(since)}`, pid };
  } catch {
    return { who: "another process holds it" };
  }
}

function shown(value: unknown): string {
  return typeof value === "string"
    ? value.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_SHOWN)
    : "unknown";
}

function held(path: string, { who, pid }: { who: string; pid?: number }): UpdateError {
  return new UpdateError("refused", {
    operation: `taking the lock ${path}`,
    found: who,
    advice: `wait until it has ended, or end it: kill ${pid ?? `$(fuser ${path})`}`,
  });
}

function unusable(path: string, cause: unknown): UpdateError {
  return new UpdateError("slot", {
    operation: `taking the lock ${path}`,
    found: reasonOf(cause),
    advice: "see that its file system is mounted and can be written, and run it as root",
    cause,
  });
}
