/**
 * What the compiled agent may touch. It is written once, in deno.json; this only explains it.
 *
 * @module
 */

import { basename, dirname, normalize } from "@std/path";
import build from "@kubesolo/update/build.json" with { type: "json" };
import manifest from "../../deno.json" with { type: "json" };
import { UpdateError } from "../core/mod.ts";

/** The agent's version. */
export const AGENT_VERSION: string = manifest.version;

/** When the agent was built: `SOURCE_DATE_EPOCH`, as `deno task compile` has put it in; 1970 where it did not. */
export const BUILT_AT: Date = new Date(build.epoch * 1000);

/** Directories that may be read or written, from deno.json's permission set `agent`. */
export const SCOPE: { readonly read: readonly string[]; readonly write: readonly string[] } = {
  read: manifest.permissions.agent.read.filter(isOwn),
  write: manifest.permissions.agent.write.filter(isOwn),
};

/** The rest are single files, such as containerd's socket and what `install` puts in place. */
function isOwn(path: string): boolean {
  return /^\/(?:etc|var\/lib)\/kubesolo$|^\/run\/kubesolo-update$/.test(path);
}

/**
 * The path of a file, without `..`. Permissions go by name, and links are followed: where they lead is
 * looked at here.
 *
 * @throws {UpdateError} `usage` where the agent was not compiled to go there; the message names the
 * places where it may.
 */
export async function scopedPath(
  flag: string,
  path: string,
  access: "read" | "write",
): Promise<string> {
  const places = SCOPE[access];
  const outside = (found: string) =>
    new UpdateError("usage", {
      operation: `reading ${flag}`,
      found: `${found} lies outside of what this program may ${access}`,
      advice: `name a file inside ${places.join(", ")}`,
    });
  const clean = normalize(path);
  if (clean.endsWith("/") || !isInside(places, clean)) throw outside(path || '""');
  const [real, ...homes] = await Promise.all(
    [clean, ...places].map((name) => realPath(name, places)),
  );
  if (!isInside(homes, real)) throw outside(`${path}, a link to ${real},`);
  return clean;
}

function isInside(places: readonly string[], path: string): boolean {
  return places.some((place) => path.startsWith(`${place}/`));
}

/** Where links lead; what is not there yet is where its directory is. */
async function realPath(path: string, places: readonly string[]): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return places.includes(path)
      ? path
      : `${await realPath(dirname(path), places)}/${basename(path)}`;
  }
}
