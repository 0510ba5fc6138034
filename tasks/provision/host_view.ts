/**
 * How devices are seen: directly where this program may do everything, and through mounts of its own where
 * it was compiled with a scope, in which nothing below /dev, /proc and /sys can be opened.
 *
 * @module
 */

import { ensureView, removeView } from "../../mod/host/mod.ts";

/** Where mounts are, with scratch files beside them: `permissions.provision` in deno.json names it. */
const HOME = "/run/kubesolo-provision";

/** A directory that shows the machine's `dev`, `proc` and `sys`, until it is disposed of. */
export class HostView implements AsyncDisposable {
  /** The empty string where the machine's own can be opened. */
  readonly path: string;
  readonly #own: string;

  private constructor(path: string, own: string) {
    this.path = path;
    this.#own = own;
  }

  /**
   * Resolves when devices can be seen.
   *
   * @throws {UpdateError} `slot` where that takes root.
   */
  static async open(): Promise<HostView> {
    const { state } = await Deno.permissions.query({ name: "read" });
    // one each, so that the first to end takes nothing away from the other
    const own = `${HOME}/${Deno.pid}`;
    if (state === "granted") return new HostView("", own);
    await ensureView(own);
    return new HostView(own, own);
  }

  /** Resolves with a directory for scratch files. */
  async scratch(): Promise<string> {
    const directory = `${this.#own}/scratch`;
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  /** Takes mounts and scratch files away. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.path) await removeView(this.path);
    const scratch = `${this.#own}/scratch`;
    for (const { name } of await Array.fromAsync(Deno.readDir(scratch)).catch(() => [])) {
      await Deno.remove(`${scratch}/${name}`);
    }
    for (const path of [scratch, `${this.#own}/.lock`, this.#own, HOME]) {
      await Deno.remove(path).catch(() => {});
    }
  }
}
