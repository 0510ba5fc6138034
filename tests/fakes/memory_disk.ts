/**
 * A disk in memory whose power can be cut at any durable step, and which then forgets what a real
 * disk may forget.
 *
 * @module
 */

import type { Disk, DiskFile, OpenMode } from "../../mod/core/mod.ts";

/** Thrown by the step at which the power goes, and by every step after it. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

/**
 * What survives of the steps that were not yet synced: none of them; all of them; names but not
 * contents (a rename that overtook its data); contents but not names.
 */
export type Survival = "synced only" | "everything" | "names" | "contents" | TornSurvival;

export const SURVIVALS: readonly Survival[] = ["synced only", "everything", "names", "contents"];

/** Everything, but of what was overwritten in place no more than these bytes. */
export type TornSurvival = "first sector" | "half a sector" | "second sector";

export const TORN_SURVIVALS: readonly TornSurvival[] = [
  "first sector",
  "half a sector",
  "second sector",
];

const SECTOR_BYTES = 512;

const SURVIVING_BYTES: { readonly [S in Survival]?: readonly [from: number, to: number] } = {
  "first sector": [0, SECTOR_BYTES],
  "half a sector": [0, SECTOR_BYTES / 2],
  "second sector": [SECTOR_BYTES, 2 * SECTOR_BYTES],
};

/** Where to cut: before step `step` (0 is the first), or in the middle of it where it is a write. */
export interface Cut {
  readonly step: number;
  readonly torn: boolean;
}

interface Inode {
  now: Uint8Array;
  durable: Uint8Array;
}

export class MemoryDisk implements Disk {
  /** Descriptions of the durable steps taken since the power came on. */
  readonly steps: string[] = [];
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #cut?: Cut;
  #dead = false;

  /** Whether the power is off. */
  get off(): boolean {
    return this.#dead;
  }

  /** Puts a durable file there: how a test begins. */
  put(path: string, bytes: Uint8Array | string): void {
    const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    const inode = { now: content.slice(), durable: content.slice() };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  /** What is there now, or undefined. */
  get(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.now;
  }

  /** Cuts the power at a step that is still to come. */
  cutAt(cut: Cut): void {
    this.#cut = cut;
  }

  /** An orderly reboot: everything is unmounted, so everything is durable. */
  syncAll(): void {
    for (const inode of this.#names.values()) inode.durable = inode.now.slice();
    this.#durableNames = new Map(this.#names);
  }

  /** The disk as it is found when the power is back. */
  powerOn(survival: Survival): MemoryDisk {
    const next = new MemoryDisk();
    const names = survival === "synced only" || survival === "contents"
      ? this.#durableNames
      : this.#names;
    for (const [path, inode] of names) next.put(path, contentAfter(survival, inode));
    return next;
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.#do(() => {
      if (mode === "replace" && this.#names.has(path)) {
        // as a kernel does: the name stays, the content goes
        this.#step(`truncate ${path}`);
        const inode = this.#names.get(path) as Inode;
        inode.now = new Uint8Array();
      }
      if ((mode === "create" || mode === "replace") && !this.#names.has(path)) {
        this.#step(`create ${path}`);
        this.#names.set(path, { now: new Uint8Array(), durable: new Uint8Array() });
      }
      const inode = this.#names.get(path);
      if (!inode) throw new Deno.errors.NotFound(`No such file or directory: ${path}`);
      return this.#file(path, inode);
    });
  }

  size(path: string): Promise<number | undefined> {
    return this.#do(() => this.#names.get(path)?.now.length);
  }

  list(path: string): Promise<string[]> {
    return this.#do(() =>
      [...this.#names.keys()].filter((name) => directoryOf(name) === path).map((name) =>
        name.slice(path.length + 1)
      )
    );
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do(() => {
      this.#step(`rename ${from} to ${to}`);
      const inode = this.#names.get(from);
      if (!inode) throw new Deno.errors.NotFound(from);
      this.#names.delete(from);
      this.#names.set(to, inode);
    });
  }

  remove(path: string): Promise<void> {
    return this.#do(() => {
      if (!this.#names.has(path)) return;
      this.#step(`remove ${path}`);
      this.#names.delete(path);
    });
  }

  makeDirectory(): Promise<void> {
    return this.#do(() => {});
  }

  syncDirectory(path: string): Promise<void> {
    return this.#do(() => {
      this.#step(`sync directory ${path}`);
      for (const name of this.#durableNames.keys()) {
        if (directoryOf(name) === path && !this.#names.has(name)) this.#durableNames.delete(name);
      }
      for (const [name, inode] of this.#names) {
        if (directoryOf(name) === path) this.#durableNames.set(name, inode);
      }
    });
  }

  free(): Promise<number> {
    return this.#do(() => 1 << 20);
  }

  #file(path: string, inode: Inode): DiskFile {
    let position = 0;
    return {
      read: (into) => {
        this.#alive();
        const part = inode.now.subarray(position, position + into.length);
        into.set(part);
        position += part.length;
        return part.length || null;
      },
      write: (bytes) => {
        const torn = this.#step(`write ${bytes.length} bytes to ${path} at ${position}`, true);
        const written = torn ? bytes.subarray(0, tornLength(path, bytes.length)) : bytes;
        const grown = new Uint8Array(Math.max(inode.now.length, position + written.length));
        grown.set(inode.now);
        grown.set(written, position);
        inode.now = grown;
        position += bytes.length;
        if (torn) throw new PowerCut(`in the middle of: ${this.steps.at(-1)}`);
      },
      seek: (offset) => {
        position = offset;
      },
      size: () => inode.now.length,
      truncate: (length) => {
        this.#step(`truncate ${path} to ${length}`);
        const cut = new Uint8Array(length);
        cut.set(inode.now.subarray(0, length));
        inode.now = cut;
      },
      sync: () =>
        this.#do(() => {
          this.#step(`sync ${path}`);
          inode.durable = inode.now.slice();
        }),
      close: () => {},
    };
  }

  /** Counts a durable step; true where this write is to be torn. */
  #step(description: string, mayTear = false): boolean {
    this.#alive();
    const here = this.#cut?.step === this.steps.length;
    if (here && !(this.#cut?.torn && mayTear)) {
      this.#dead = true;
      throw new PowerCut(`before: ${description}`);
    }
    this.steps.push(description);
    if (here) this.#dead = true;
    return here;
  }

  #alive(): void {
    if (this.#dead) throw new PowerCut("the power is off");
  }

  // deno-lint-ignore require-await
  async #do<T>(action: () => T): Promise<T> {
    this.#alive();
    return action();
  }
}

function contentAfter(survival: Survival, { now, durable }: Inode): Uint8Array {
  if (survival === "synced only" || survival === "names") return durable;
  const [from, to] = SURVIVING_BYTES[survival] ?? [];
  if (from === undefined || now.length !== durable.length) return now;
  const torn = durable.slice();
  torn.set(now.subarray(from, to), Math.min(from, torn.length));
  return torn;
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** How much of a torn write arrives. A device writes a sector whole or not at all. */
function tornLength(path: string, length: number): number {
  const half = length >> 1;
  return path.startsWith("/dev/") ? half - half % SECTOR_BYTES : half;
}
