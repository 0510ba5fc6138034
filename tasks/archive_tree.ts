/**
 * The tree that the kernel makes of an initramfs, and what becomes of it when more is unpacked over it.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import type { Entry } from "./cpio.ts";
import { type Architecture, elfArchitecture } from "./elf.ts";
import type { Member } from "./list_cpio.ts";

/** Links that are followed for one path. */
const MAX_LINKS = 8;

/** Where programs of the machine are, and not firmware for others. */
const PROGRAMS = /^(?:init|(?:usr\/)?s?bin\/[^/]+)$/;

/** Members of archives by their paths, links followed; of two at one path the later one counts. */
export class ArchiveTree {
  readonly #members: ReadonlyMap<string, Member>;

  /** `members` in the order in which they are unpacked. */
  constructor(members: readonly Member[]) {
    this.#members = new Map(members.map((member) => [member.path, member]));
  }

  /** Every path that there is. */
  get paths(): ReadonlySet<string> {
    return new Set(this.#members.keys());
  }

  /** What is at `path`, where its directories' links lead. */
  at(path: string): Member | undefined {
    return this.#members.get(this.resolve(path));
  }

  /** The same, and where that is a link, what it leads to. */
  file(path: string): Member | undefined {
    // a child of it would be where the link leads
    return this.#members.get(dirname(this.resolve(`${path}/child`)));
  }

  /** `path` with the links in its directories followed; nothing leads out of the tree. */
  resolve(path: string, depth = 0): string {
    const parts = path.split("/");
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join("/");
      const target = this.#members.get(parent)?.target;
      if (target === undefined) continue;
      if (depth === MAX_LINKS) throw new Error(`${path}: more than ${MAX_LINKS} links lead there`);
      const from = target.startsWith("/") ? "/" : `/${dirname(parent)}`;
      return this.resolve(join(from, target, ...parts.slice(length)).slice(1), depth + 1);
    }
    return path;
  }

  /** The architecture of the first program; undefined: there is none, or it is of an unknown one. */
  architecture(): Architecture | undefined {
    for (const { path, bytes } of this.#members.values()) {
      const found = PROGRAMS.test(path) && elfArchitecture(bytes);
      if (found) return found;
    }
  }

  /**
   * `entries` as they have to be packed to lie over this tree, and the paths of what they replace.
   *
   * @throws {Error} where a directory is in the place of a file, or something else in that of a directory.
   */
  covered(entries: readonly Entry[]): { entries: Entry[]; replaced: string[] } {
    const replaced: string[] = [];
    const all = entries.flatMap((entry): Entry[] => {
      const { path, kind } = entry;
      for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
        this.#demand(parent, "directory", path);
      }
      const there = this.#members.get(path);
      if (!there) return [entry];
      if (kind === "directory") { // a link to one does as well, and stays
        if (there.kind !== "link") this.#demand(path, "directory", path);
        return [];
      }
      if (there.kind === "directory") {
        throw new Error(`${path}: wanted room for a ${kind}, found a directory in the initramfs`);
      }
      replaced.push(path);
      // The kernel writes through to a hard link's other names, unless a thing of another kind comes first.
      return there.names > 1 ? [{ kind: "link", path, target: "." }, entry] : [entry];
    });
    return { entries: all, replaced };
  }

  #demand(parent: string, kind: Member["kind"], path: string): void {
    const there = this.#members.get(parent);
    if (!there || there.kind === kind) return;
    throw new Error(`${path}: wanted a ${kind} ${parent}, found a ${there.kind} in the initramfs`);
  }
}
