/**
 * The shared libraries that programs need, where Debian has them.
 *
 * @module
 */

import { basename } from "@std/path";
import { readElfHeader } from "./elf.ts";
import { neededLibraries } from "./needed_libraries.ts";
import type { Sysroot } from "./sysroot.ts";

/** Where Debian has libraries: essential ones first. */
export function libraryDirectories(architecture: string): string[] {
  return ["lib", "usr/lib"].map((directory) => `/${directory}/${architecture}-linux-gnu`);
}

/** A library, or the loader. */
export interface Library {
  /** Where programs look for it: an absolute path. */
  readonly path: string;
  /** The file of this machine that it is. */
  readonly source: string;
}

/**
 * The libraries and the loader of `programs`, out of `sysroot`, sorted by path, without repetition.
 *
 * @throws {Error} where a program is of another architecture, or where a library is not there; it names
 * both.
 */
export async function librariesOf(sysroot: Sysroot, ...programs: string[]): Promise<Library[]> {
  const directories = libraryDirectories(sysroot.architecture).map((path) => sysroot.at(path));
  const found = new Map<string, string>();
  for (const program of programs) {
    const { architecture } = await readElfHeader(program);
    if (architecture !== sysroot.architecture) {
      throw new Error(
        `${program}: wanted a program for ${sysroot.architecture}, found one for ${architecture}`,
      );
    }
    const { loader, libraries } = await neededLibraries(program, directories);
    for (const source of libraries) {
      const isLoader = loader !== undefined && basename(source) === basename(loader);
      found.set(isLoader ? loader : source.slice(sysroot.root.length), source);
    }
  }
  return [...found].map(([path, source]) => ({ path, source }))
    .sort((a, b) => a.path < b.path ? -1 : 1);
}
