/**
 * Digests of files, each computed once.
 *
 * @module
 */

import { reasonOf } from "../core/mod.ts";
import type { FoundFile } from "./_paths.ts";
import { MAX_DIGESTS, UNREADABLE_MS } from "./limits.ts";
import { digestsOf, type FileDigests, stampOf } from "./stored_file.ts";

/** Keeps digests for the next start. */
export interface DigestStore {
  /** What was kept of the file that looked like that. */
  digestsOf(path: string, stamp: string): FileDigests | undefined;
  /** Keeps them; those of what the file was before are dropped. */
  keepDigests(path: string, stamp: string, digests: FileDigests): void;
}

/** Milliseconds within which two changes of a file may have the same time: a kernel's tick, and more. */
const TICK_MS = 50;

/** A file waits for its digests. */
export class BeingChecked extends Error {}

interface Known {
  readonly stamp: string;
  readonly digests?: FileDigests;
  readonly problem?: string;
  /** When a problem is looked at again, by `performance.now()`. */
  readonly until?: number;
}

/**
 * Knows digests of files by how they look in their directory: size, times, number. What is not known is
 * asked for here, and computed by {@linkcode DigestBook.work}.
 */
export class DigestBook {
  readonly #known = new Map<string, Known>();
  readonly #wanted = new Map<string, string>();
  readonly #store?: DigestStore;
  readonly #againMs: number;

  /** `store` outlives the process; what could not be read is read again after `againMs`. */
  constructor(store?: DigestStore, againMs: number = UNREADABLE_MS) {
    this.#store = store;
    this.#againMs = againMs;
  }

  /** Whether a file waits for its digests. */
  get isBusy(): boolean {
    return this.#wanted.size > 0;
  }

  /**
   * The digests of a file, which messages call `what`.
   * @throws {BeingChecked} where they are still to be computed.
   * @throws {Error} where it cannot be read.
   */
  of({ path, info }: FoundFile, what: string): FileDigests {
    const stamp = stampOf(info);
    const known = this.#known.get(path);
    if (known?.stamp === stamp) {
      if (known.digests) return known.digests;
      // it may have been the moment, and not the file
      if (performance.now() < (known.until ?? Infinity)) throw new Error(known.problem);
    }
    const digests = this.#store?.digestsOf(path, stamp);
    if (digests) {
      this.#learn(path, { stamp, digests });
      return digests;
    }
    this.#wanted.set(path, stamp);
    throw new BeingChecked(`${what} is being checked`);
  }

  /** Computes what is wanted, for about so long; one file at least, unless `signal` ends it. */
  async work(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const end = performance.now() + milliseconds;
    for (const [path] of this.#wanted) {
      this.#wanted.delete(path);
      await this.#compute(path, signal);
      if (signal?.aborted || performance.now() >= end) return;
    }
  }

  async #compute(path: string, signal?: AbortSignal): Promise<void> {
    let stamp = "";
    try {
      const info = await Deno.stat(path);
      stamp = stampOf(info);
      await settled(info);
      const digests = await digestsOf(path, signal);
      // of a file that is still being written they are nothing's
      if (stampOf(await Deno.stat(path)) !== stamp) return;
      this.#learn(path, { stamp, digests });
      this.#store?.keepDigests(path, stamp, digests);
    } catch (error) {
      // nothing is wrong with the file
      if (signal?.aborted) return;
      const until = performance.now() + this.#againMs;
      this.#learn(path, { stamp, problem: reasonOf(error), until });
    }
  }

  #learn(path: string, known: Known): void {
    this.#known.delete(path);
    this.#known.set(path, known);
    if (this.#known.size <= MAX_DIGESTS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

/** Resolves when a change of the file would show in its time. */
async function settled({ mtime }: Deno.FileInfo): Promise<void> {
  const age = Date.now() - (mtime?.getTime() ?? 0);
  if (age >= 0 && age < TICK_MS) await new Promise((resolve) => setTimeout(resolve, TICK_MS - age));
}
