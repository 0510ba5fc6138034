import type { Disk, DiskFile, OpenMode } from "../../mod/core/mod.ts";

/** Thrown by a {@linkcode CutDisk} once its power is cut, and by every step after. */
export class PowerCut extends Error {}

/** How much of what was not yet synced survives a cut. */
export type Survival =
  | "nothing"
  | "everything"
  | "first sector"
  | "half a sector"
  | "second sector";

export const SURVIVALS: readonly Survival[] = [
  "nothing",
  "everything",
  "first sector",
  "half a sector",
  "second sector",
];

const SECTOR_BYTES = 512;

/** Files in memory on a disk whose power goes before a chosen step. */
export class CutDisk implements Disk {
  /** What a running system sees. */
  readonly files: Map<string, Uint8Array>;
  /** What was done, in order. */
  readonly steps: string[] = [];
  #durable: Map<string, Uint8Array>;
  #cutBefore: number;
  #survival: Survival;

  constructor(
    files: Readonly<Record<string, Uint8Array>>,
    cutBefore = Infinity,
    survival: Survival = "nothing",
  ) {
    this.files = new Map(Object.entries(files).map(([path, bytes]) => [path, bytes.slice()]));
    this.#durable = copyOf(this.files);
    this.#cutBefore = cutBefore;
    this.#survival = survival;
  }

  /** What is on the disk when the power is back. */
  afterCut(): Map<string, Uint8Array> {
    if (this.#survival === "nothing") return copyOf(this.#durable);
    const left = copyOf(this.files);
    for (const [path, bytes] of left) {
      const old = this.#durable.get(path);
      if (old?.length !== bytes.length || this.#survival === "everything") continue;
      const [from, to] = {
        "first sector": [0, SECTOR_BYTES],
        "half a sector": [0, SECTOR_BYTES / 2],
        "second sector": [SECTOR_BYTES, 2 * SECTOR_BYTES],
      }[this.#survival];
      const torn = old.slice();
      torn.set(bytes.subarray(from, to), from);
      left.set(path, torn);
    }
    return left;
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.#do(mode === "read" ? undefined : `open ${path} to ${mode}`, () => {
      if (mode === "replace") this.files.set(path, new Uint8Array(0));
      if (!this.files.has(path)) throw new Deno.errors.NotFound(`${path}: os error 2`);
      return this.#file(path);
    });
  }

  size(path: string): Promise<number | undefined> {
    return Promise.resolve(this.files.get(path)?.length);
  }

  list(): Promise<string[]> {
    return Promise.resolve([...this.files.keys()]);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do(`rename ${from} ${to}`, () => {
      this.files.set(to, this.files.get(from) as Uint8Array);
      this.files.delete(from);
    });
  }

  remove(path: string): Promise<void> {
    return this.#do(`remove ${path}`, () => void this.files.delete(path));
  }

  makeDirectory(): Promise<void> {
    return Promise.resolve();
  }

  syncDirectory(path: string): Promise<void> {
    return this.#do(`sync ${path}`, () => {
      this.#durable = copyOf(this.files);
    });
  }

  free(): Promise<number> {
    return Promise.resolve(1 << 20);
  }

  #file(path: string): DiskFile {
    let at = 0;
    const bytes = () => this.files.get(path) ?? new Uint8Array(0);
    return {
      read: (into) => {
        const part = bytes().subarray(at, at + into.length);
        into.set(part);
        at += part.length;
        return part.length || null;
      },
      write: (part) => {
        this.#now(`write ${part.length} bytes of ${path} at ${at}`);
        const longer = new Uint8Array(Math.max(bytes().length, at + part.length));
        longer.set(bytes());
        longer.set(part, at);
        this.files.set(path, longer);
        at += part.length;
      },
      seek: (offset) => void (at = offset),
      size: () => bytes().length,
      truncate: (length) => {
        this.#now(`truncate ${path} to ${length}`);
        this.files.set(path, bytes().slice(0, length));
      },
      sync: () => this.#do(`sync ${path}`, () => void this.#durable.set(path, bytes().slice())),
      close: () => {},
    };
  }

  // deno-lint-ignore require-await
  async #do<T>(step: string | undefined, action: () => T): Promise<T> {
    if (step) this.#now(step);
    return action();
  }

  #now(step: string): void {
    if (this.steps.length >= this.#cutBefore) throw new PowerCut(step);
    this.steps.push(step);
  }
}

function copyOf(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  return new Map([...files].map(([path, bytes]) => [path, bytes.slice()]));
}
