/** Finds releases and image layouts below a directory. */

import { reasonOf } from "../core/mod.ts";
import { LAYOUT_FILE } from "../oras/mod.ts";
import { isVisibleName, realPathInside } from "./_paths.ts";
import { MAX_DEPTH, MAX_DIRECTORIES, MAX_ENTRIES } from "./limits.ts";

/** The file that makes a directory a release. */
export const LATEST_FILE = "latest.json";

/** A directory, by the names that lead to it and by its real path. */
export interface Place {
  /** Below the directory that is served, with slashes; empty for that directory itself. */
  readonly name: string;
  /** Where that really is. */
  readonly directory: string;
}

/** What is where. */
export interface Places {
  readonly releases: readonly Place[];
  readonly layouts: readonly Place[];
  /** What could not be looked at, and why. */
  readonly problems: ReadonlyMap<string, string>;
}

/**
 * Every place below the real path `root`, itself included; links are followed where they stay inside. What
 * is in an image layout is not looked for.
 */
export async function findPlaces(root: string): Promise<Places> {
  const releases: Place[] = [];
  const layouts: Place[] = [];
  const problems = new Map<string, string>();
  const left: (Place & { readonly depth: number })[] = [{ name: "", directory: root, depth: 0 }];
  let seen = 0;
  for (let next = left.shift(); next; next = left.shift()) {
    if (++seen > MAX_DIRECTORIES) {
      problems.set("", `more than ${MAX_DIRECTORIES} directories: the rest is not looked at`);
      break;
    }
    const { name, directory, depth } = next;
    try {
      const names = await namesIn(directory);
      if (names.some(([file]) => file === LATEST_FILE)) releases.push({ name, directory });
      const isLayout = names.some(([file]) => file === LAYOUT_FILE);
      if (isLayout) layouts.push({ name, directory });
      if (depth === MAX_DEPTH) continue;
      for (const [child, mayBeDirectory] of names) {
        if (!mayBeDirectory || isLayout && child === "blobs") continue;
        const path = `${directory}/${child}`;
        const real = await directoryInside(root, path);
        // a link to where one comes from would never end
        if (real === undefined || `${directory}/`.startsWith(`${real}/`)) continue;
        left.push({ name: name ? `${name}/${child}` : child, directory: real, depth: depth + 1 });
      }
    } catch (error) {
      // removed meanwhile, and gone the next time
      if (error instanceof Deno.errors.NotFound && name) continue;
      problems.set(name, reasonOf(error));
    }
  }
  return { releases, layouts, problems };
}

async function namesIn(
  directory: string,
): Promise<readonly (readonly [name: string, mayBeDirectory: boolean])[]> {
  const names: [string, boolean][] = [];
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(directory)) {
    if (!isVisibleName(name)) continue;
    if (names.length === MAX_ENTRIES) throw new Error(`more than ${MAX_ENTRIES} entries`);
    names.push([name, isDirectory || isSymlink]);
  }
  return names.sort(([a], [b]) => a < b ? -1 : 1);
}

async function directoryInside(root: string, path: string): Promise<string | undefined> {
  const real = await realPathInside(root, path);
  return real !== undefined && (await Deno.stat(real)).isDirectory ? real : undefined;
}
