import type { Disk, DiskFile, OpenMode } from "../../mod/core/mod.ts";

/** Thrown instead of the step before which the power is cut, and of every step after it. */
export class PowerCut extends Error {}

/** A real disk whose power goes before a chosen step; steps are what changes something. */
export class CuttingDisk implements Disk {
  /** Steps that were done. */
  steps = 0;
  /** The step that is not done any more. */
  cutBefore = Infinity;
  /** Called after every step. */
  afterStep: (what: string) => void | Promise<void> = () => {};
  #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    if (this.#isOut) throw new PowerCut();
    if (mode === "create" || mode === "replace") this.#step();
    const file = await this.#disk.open(path, mode);
    return {
      read: (into) => file.read(into),
      write: (bytes) => (this.#step(), file.write(bytes)),
      seek: (offset) => file.seek(offset),
      size: () => file.size(),
      truncate: (length) => (this.#step(), file.truncate(length)),
      sync: () => this.#do(`sync ${path}`, () => file.sync()),
      close: () => file.close(),
    };
  }

  size(path: string): Promise<number | undefined> {
    return this.#disk.size(path);
  }

  list(path: string): Promise<string[]> {
    return this.#disk.list(path);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do(`rename ${from}`, () => this.#disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#do(`remove ${path}`, () => this.#disk.remove(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#do(`make ${path}`, () => this.#disk.makeDirectory(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#do(`sync ${path}`, () => this.#disk.syncDirectory(path));
  }

  free(path: string): Promise<number> {
    return this.#disk.free(path);
  }

  get #isOut(): boolean {
    return this.steps >= this.cutBefore;
  }

  #step(): void {
    if (this.#isOut) throw new PowerCut();
    this.steps++;
  }

  async #do(what: string, action: () => Promise<void>): Promise<void> {
    this.#step();
    await action();
    await this.afterStep(what);
  }
}
