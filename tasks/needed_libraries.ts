/**
 * The shared libraries that a program of any architecture needs.
 *
 * @module
 */

import { basename } from "@std/path";
import { runText } from "./run.ts";

/** What a program is linked to. */
export interface Needed {
  /** Absolute path of the dynamic loader; undefined: a static program. */
  readonly loader?: string;
  /** Files of the libraries, the loader's among them, sorted by name. */
  readonly libraries: readonly string[];
}

/**
 * What `program` needs, and what that needs in turn; each is in one of `directories`.
 *
 * @throws {Error} where a library is not there; it names it.
 */
export async function neededLibraries(
  program: string,
  directories: readonly string[],
): Promise<Needed> {
  const { loader, names } = await links(program);
  const found = new Map<string, string>();
  const open = [...loader ? [basename(loader)] : [], ...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    const path = await findFile(name, directories);
    if (!path) {
      throw new Error(`${program}: wanted the library ${name}, not in ${directories.join(", ")}`);
    }
    found.set(name, path);
    open.push(...(await links(path)).names);
  }
  return { loader, libraries: [...found.keys()].sort().map((name) => found.get(name) as string) };
}

async function findFile(name: string, directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) {
    const path = `${directory}/${name}`;
    if ((await Deno.stat(path).catch(() => undefined))?.isFile) return path;
  }
}

async function links(path: string): Promise<{ loader?: string; names: string[] }> {
  const said = await runText("readelf", ["--program-headers", "--dynamic", "--wide", path]);
  const [, loader] = /\[Requesting program interpreter: (.+)\]/.exec(said) ?? [];
  const names = [...said.matchAll(/\(NEEDED\) .*\[(.+)\]/g)].map(([, name]) => name);
  return { loader, names };
}
