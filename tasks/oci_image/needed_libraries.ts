/**
 * The shared libraries that a program of any architecture needs.
 *
 * @module
 */

import { basename } from "@std/path";
import { runText } from "../run.ts";

/** What a program is linked to. */
export interface Needed {
  /** Absolute path of the dynamic loader. */
  readonly loader: string;
  /** Files of the libraries, the loader's among them, sorted by name. */
  readonly libraries: readonly string[];
}

/**
 * What `program` needs, and what that needs in turn; all of it is in `directory`.
 *
 * @throws {Error} where a library is not there; it names it.
 */
export async function neededLibraries(program: string, directory: string): Promise<Needed> {
  const { loader, names } = await links(program);
  if (!loader) throw new Error(`${program}: wanted a program with a dynamic loader, found none`);
  const found = new Set<string>();
  const open = [basename(loader), ...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    const path = `${directory}/${name}`;
    const { isFile } = await Deno.stat(path).catch(() => ({ isFile: false }));
    if (!isFile) throw new Error(`${program}: wanted the library ${name}, not in ${directory}`);
    found.add(name);
    open.push(...(await links(path)).names);
  }
  return { loader, libraries: [...found].sort().map((name) => `${directory}/${name}`) };
}

async function links(path: string): Promise<{ loader?: string; names: string[] }> {
  const said = await runText("readelf", ["--program-headers", "--dynamic", "--wide", path]);
  const [, loader] = /\[Requesting program interpreter: (.+)\]/.exec(said) ?? [];
  const names = [...said.matchAll(/\(NEEDED\) .*\[(.+)\]/g)].map(([, name]) => name);
  return { loader, names };
}
