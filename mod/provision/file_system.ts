/**
 * ext4 on a medium, without mounting it: grown, given files, checked. What e2fsprogs is for.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../core/mod.ts";
import { commandsFor, type Ext4Entry, quoted } from "./ext4_commands.ts";
import type { Extent } from "./fit_table.ts";
import { findProgram, outputOf } from "./_program.ts";

const PROGRAMS = ["mke2fs", "resize2fs", "debugfs", "e2fsck"] as const;

/** Bytes of a block of the file systems that are grown. */
const BLOCK_BYTES = 4096;

/** Where a file system lies: in the file or device at `path`. */
export interface FileSystemPlace extends Extent {
  /** Where this process and the programs can open it. */
  readonly path: string;
}

/** A file to put there. */
export interface NewFile {
  /** From the top of the file system, without a slash before it. */
  readonly path: string;
  /** The file whose bytes it gets. */
  readonly source: string;
  /** Permission bits. */
  readonly mode: number;
}

/** The programs of e2fsprogs. */
export class FileSystemTools {
  #paths: Readonly<Record<typeof PROGRAMS[number], string>>;

  private constructor(paths: Readonly<Record<typeof PROGRAMS[number], string>>) {
    this.#paths = paths;
  }

  /**
   * Resolves when all of them are here.
   *
   * @throws {UpdateError} `usage` naming those that are not.
   */
  static async find(): Promise<FileSystemTools> {
    const found = await Promise.all(PROGRAMS.map(async (name) => [name, await findProgram(name)]));
    const missing = found.filter(([, path]) => !path).map(([name]) => name);
    if (missing.length === 0) return new FileSystemTools(Object.fromEntries(found));
    throw new UpdateError("usage", {
      operation: "looking for the programs that edit ext4",
      found: `no ${missing.join(", no ")} in /usr/sbin, /sbin, /usr/bin or /bin`,
      advice: "install the package e2fsprogs",
    });
  }

  /**
   * Resolves where the kernel lets go of the device at `path`, which messages call `name`. File systems
   * and pools hold all their disks, and name only one of them where mounts are listed. mke2fs opens it
   * for itself alone (O_EXCL), which a process here cannot, and writes nothing (-n).
   *
   * @throws {UpdateError} `refused` where anything holds it; `slot` with the program's words.
   */
  async mustBeUnused(path: string, name: string): Promise<void> {
    try {
      await outputOf(this.#paths.mke2fs, ["-n", "-F", "-q", path]);
    } catch (cause) {
      const words = reasonOf(cause);
      const isHeld = /in use by the system|is mounted/.test(words);
      throw new UpdateError(isHeld ? "refused" : "slot", {
        operation: `looking whether anything uses ${name}`,
        found: isHeld ? "it is in use by the system" : words,
        advice: isHeld
          ? "unmount or export what has it among its disks, as btrfs and ZFS do"
          : "see that it is in place, and begin again",
        cause,
      });
    }
  }

  /**
   * Resolves when the file system fills its place. On a file that is longer than the file system would
   * be without its offset resize2fs cuts the file: there only with offset 0.
   *
   * @throws {UpdateError} `slot` with the program's words.
   */
  async grow(place: FileSystemPlace): Promise<void> {
    const blocks = String(Math.floor(place.size / BLOCK_BYTES));
    await this.#run("resize2fs", place, ["-f", at(place), blocks]);
  }

  /**
   * Resolves when `files` are there, owned by root, with the directories above them; what was in their
   * places is gone.
   *
   * @throws {UpdateError} as {@linkcode mustBeNamed} does; `slot` with the program's words.
   */
  async put(place: FileSystemPlace, files: readonly NewFile[]): Promise<void> {
    mustBeNamed(files);
    const commands: string[] = [];
    const made = new Set<string>();
    for (const file of files) {
      for (const directory of parentsOf(file.path)) {
        if (made.has(directory) || await this.#has(place, directory)) continue;
        made.add(directory);
        commands.push(...commandsFor({ kind: "directory", path: directory }));
      }
      if (await this.#has(place, file.path)) commands.push(`rm ${quoted(`/${file.path}`)}`);
      const entry: Ext4Entry = { kind: "file", ...file };
      commands.push(...commandsFor(entry));
    }
    const script = `${commands.join("\n")}\n`;
    const { stderr } = await this.#run(
      "debugfs",
      place,
      ["-w", "-f", "-", at(place)],
      script,
    );
    this.#mustBeSilent(place, stderr);
  }

  /** What is in the file `path` of the file system, read past the kernel's cache where `direct`. */
  async read(place: FileSystemPlace, path: string, direct: boolean): Promise<string> {
    const args = [...direct ? ["-D"] : [], "-R", `cat ${quoted(`/${path}`)}`, at(place)];
    const { stdout, stderr } = await this.#run("debugfs", place, args);
    this.#mustBeSilent(place, stderr);
    return stdout;
  }

  /**
   * Resolves when e2fsck finds nothing wrong.
   *
   * @throws {UpdateError} `verification` with what it found.
   */
  async check(place: FileSystemPlace): Promise<void> {
    try {
      await outputOf(this.#paths.e2fsck, ["-f", "-n", at(place)]);
    } catch (cause) {
      throw new UpdateError("verification", {
        operation: `checking the data partition on ${place.path}`,
        found: reasonOf(cause),
        advice: "begin again; where it stays so, use another medium, or build the image again",
        cause,
      });
    }
  }

  async #has(place: FileSystemPlace, path: string): Promise<boolean> {
    const args = ["-R", `stat ${quoted(`/${path}`)}`, at(place)];
    const { stdout } = await this.#run("debugfs", place, args);
    return stdout.startsWith("Inode:");
  }

  async #run(
    program: typeof PROGRAMS[number],
    place: FileSystemPlace,
    args: readonly string[],
    input?: string,
  ): Promise<{ stdout: string; stderr: string }> {
    try {
      return await outputOf(this.#paths[program], args, input);
    } catch (cause) {
      throw this.#failure(place, reasonOf(cause), cause);
    }
  }

  /** debugfs ends with 0 whatever happened: what it says on standard error is what counts. */
  #mustBeSilent(place: FileSystemPlace, stderr: string): void {
    const complaints = stderr.replace(/^debugfs \d\S* \(.*\)\n?/, "").trim();
    if (complaints) throw this.#failure(place, complaints);
  }

  #failure({ path }: FileSystemPlace, found: string, cause?: unknown): UpdateError {
    return new UpdateError("slot", {
      operation: `filling the data partition on ${path}`,
      found,
      advice: "see that it is in place and large enough, and begin again",
      cause,
    });
  }
}

/**
 * Returns where {@linkcode FileSystemTools.put} can name all of `files`: to be asked before anything is
 * written.
 *
 * @throws {UpdateError} `usage` where a path has a quote or a line end.
 */
export function mustBeNamed(files: readonly NewFile[]): void {
  for (const { path, source } of files) {
    for (const name of [path, source]) {
      try {
        quoted(name);
      } catch (cause) {
        throw new UpdateError("usage", {
          operation: `looking at ${path}, a file for the data partition`,
          found: reasonOf(cause),
          advice: "rename it, or the directory that it is in",
          cause,
        });
      }
    }
  }
}

function at({ path, offset }: FileSystemPlace): string {
  return offset === 0 ? path : `${path}?offset=${offset}`;
}

function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, depth) => parts.slice(0, depth + 1).join("/"));
}
