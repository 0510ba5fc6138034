/**
 * What the compiled programs are made from.
 *
 * @module
 */

import { dirname, fromFileUrl } from "@std/path";
import { createHash } from "node:crypto";

/** The root of this repository. */
export const ROOT: string = dirname(dirname(fromFileUrl(import.meta.url)));

/** What is embedded in the agent for `install` and `doctor`, which read it there. */
export const EMBEDDED: readonly string[] = [
  "deploy/systemd",
  "deploy/openrc",
  "deploy/grub/grub.cfg",
];

/** What every compiled program is made from; most of it is `mod`. */
const SOURCES = ["deno.json", "deno.lock", "mod"];

/** SHA-256 over names and bytes of what a program is compiled from, besides that all are. */
export async function sourcesDigest(own: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of (await filesUnder([...SOURCES, ...own])).sort()) {
    hash.update(`${path}\0`);
    hash.update(await Deno.readFile(`${ROOT}/${path}`));
  }
  return hash.digest("hex");
}

async function filesUnder(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if ((await Deno.stat(`${ROOT}/${path}`)).isFile) {
      found.push(path);
      continue;
    }
    const names = await Array.fromAsync(Deno.readDir(`${ROOT}/${path}`), (entry) => entry.name);
    found.push(...await filesUnder(names.map((name) => `${path}/${name}`)));
  }
  return found;
}
