/**
 * Mounts partitions with the node's own mount(8): util-linux or BusyBox.
 *
 * @module
 */

import { type Mounts, type Partition, UpdateError } from "../core/mod.ts";
import { foreignToInit, holdersOf, MOUNT_POINT_PREFIX } from "./_holders.ts";
import { mountArguments } from "./_mount_arguments.ts";
import { readMountTable } from "./_mount_table.ts";
import { complaintOf, PROGRAM_DIRECTORIES } from "./_program.ts";

/** How often a mount or unmount that finds the device busy is tried. */
export const BUSY_TRIES = 50;

/**
 * How often a mount that fails is tried while no other agent is to be seen: one may have come and gone
 * between the look at the table and the mount, or mount where this process cannot see it.
 */
export const UNSEEN_TRIES = 10;

/** Milliseconds between those tries. */
export const BUSY_WAIT_MS = 100;

/** Milliseconds that mounts have to end in when all are taken away: of a broken disk they may hang. */
const RELEASE_WAIT_MS = 5000;

/** Where {@linkcode CommandMounts} works. */
export interface CommandMountsOptions {
  /** Directory that shows the machine's `proc` and `sys`: `/run/kubesolo-update/host`. */
  readonly view: string;
  /** Mount points are made below this directory: `/run/kubesolo-update/mnt`. */
  readonly directory: string;
  /** Where `mount` and `umount` are looked for: `/usr/bin`, then `/bin`, where absent. */
  readonly programs?: readonly string[];
}

/**
 * Mounts on a directory of its own each time, and unmounts afterwards. What an agent that was killed
 * left mounted is unmounted before anything else is done with that partition.
 */
export class CommandMounts implements Mounts {
  #place: { readonly view: string; readonly directory: string };
  #programs: readonly string[];
  /** Mount points, each with what mount(8) says of it when it has ended. */
  #directories = new Map<string, Promise<string | undefined>>();
  #isReleased = false;

  /** Nothing is mounted until {@linkcode using}. */
  constructor({ view, directory, programs = PROGRAM_DIRECTORIES }: CommandMountsOptions) {
    this.#place = { view, directory };
    this.#programs = programs;
  }

  /**
   * Mounts `partition`, runs `body` with the directory, and unmounts whatever happens. `read` does
   * not write a byte: an ext4 journal is not replayed, so that files are seen as GRUB sees them.
   * @throws {UncleanFileSystem} where even a read-only mount would write.
   * @throws {UpdateError} `slot` where it cannot be mounted so, or not be unmounted after `body`.
   */
  async using<T>(
    partition: Partition,
    access: "read" | "write",
    body: (directory: string) => Promise<T>,
  ): Promise<T> {
    const directory = await this.#mount(partition, access);
    let result: T;
    try {
      result = await body(directory);
    } catch (error) {
      // why it failed says more than what could not be cleaned up; the next run unmounts it
      await this.#end(partition, directory).catch(() => {});
      throw error;
    }
    await this.#end(partition, directory);
    return result;
  }

  /**
   * Where anybody but the agent has it mounted, as far as this process and init can see.
   * @throws {UpdateError} `slot` where the kernel's tables cannot be read, or where what a killed
   * agent left mounted cannot be unmounted.
   */
  async mountedAt(partition: Partition): Promise<readonly string[]> {
    const { foreign } = await this.#holders(partition);
    const mounts = [...foreign, ...await foreignToInit(partition, this.#place)];
    return [...new Set(mounts.map(({ directory }) => directory))];
  }

  /**
   * Takes away what is mounted now, and mounts nothing any more, for a process that ends in the middle of
   * {@linkcode using}: what is still open is read on, nothing is found there any more, and who wants to
   * mount waits for the end. What cannot be taken away is left to the next command, as after a kill.
   */
  async release(): Promise<void> {
    this.#isReleased = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, RELEASE_WAIT_MS);
    for (const [directory, mounted] of this.#directories) {
      await Promise.race([mounted.catch(() => {}), late]);
      this.#directories.delete(directory);
      if (await complaintOf(this.#programs, "umount", ["-l", directory]) !== undefined) continue;
      await Deno.remove(directory).catch(() => {});
    }
    clearTimeout(timer);
  }

  async #mount(partition: Partition, access: "read" | "write"): Promise<string> {
    for (let tries = 1, unseen = 0;; tries++) {
      const { foreign, agents } = await this.#holders(partition);
      const whole = foreign.find(({ root }) => root === "/");
      const args = access === "read" && whole
        // the kernel mounts a device to be read or to be written, not both: join the mount that is there
        ? ["-o", "bind", whole.directory]
        : await mountArguments(partition, access);
      const result = await this.#try(partition, access, args);
      if ("directory" in result) return result.directory;

      // another agent, such as `status`, is done with it in a moment
      if (agents.length === 0) unseen++;
      if (unseen === UNSEEN_TRIES || tries === BUSY_TRIES) {
        const holders = [...foreign, ...agents].map(({ directory }) => directory).join(", ");
        throw new UpdateError("slot", {
          operation: `mounting ${partition.device} (${partition.label}) to ${access}`,
          found: holders ? `${result.complaint}; it is mounted at ${holders}` : result.complaint,
          advice: holders
            ? "unmount it there, and run it again"
            : "check the device's write protection and the kernel's log",
        });
      }
      await pause();
    }
  }

  async #try(
    partition: Partition,
    access: "read" | "write",
    args: readonly string[],
  ): Promise<{ directory: string } | { complaint: string }> {
    const { view, directory: parent } = this.#place;
    await Deno.mkdir(parent, { recursive: true });
    const directory = await Deno.makeTempDir({ dir: parent, prefix: MOUNT_POINT_PREFIX });
    if (this.#isReleased) {
      await Deno.remove(directory);
      return await new Promise(() => {});
    }
    // nothing has waited since: who releases knows of every mount that was begun
    const mounted = complaintOf(this.#programs, "mount", [...args, directory]);
    this.#directories.set(directory, mounted);
    const complaint = await mounted;
    if (complaint !== undefined) {
      this.#directories.delete(directory);
      await Deno.remove(directory);
      return { complaint };
    }
    if (access === "read") return { directory };
    const mount = (await readMountTable(view, "self"))
      .findLast((mount) => mount.directory === directory);
    if (mount?.writable) return { directory };
    // mount(8) falls back to a read-only mount, and calls that success
    await this.#unmount(partition, directory);
    return { complaint: "it can only be mounted read-only" };
  }

  async #end(partition: Partition, directory: string): Promise<void> {
    if (this.#directories.has(directory)) await this.#unmount(partition, directory);
  }

  async #unmount(partition: Partition, directory: string): Promise<void> {
    for (let tries = 1;; tries++) {
      const complaint = await complaintOf(this.#programs, "umount", [directory]);
      if (complaint === undefined) {
        this.#directories.delete(directory);
        return await Deno.remove(directory);
      }
      if (tries === BUSY_TRIES) {
        throw new UpdateError("slot", {
          operation: `unmounting ${partition.device} (${partition.label}) from ${directory}`,
          found: complaint,
          advice: "end what uses that directory, and run it again",
        });
      }
      await pause();
    }
  }

  /** Who has it mounted, once the mounts of killed agents are gone. */
  async #holders(partition: Partition) {
    const holders = await holdersOf(partition, this.#place);
    for (const { directory } of holders.abandoned) await this.#unmount(partition, directory);
    return holders;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS));
}
