/**
 * What the compiled agent may touch. It is written once, in deno.json; this only explains it.
 *
 * @module
 */

import { normalize } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { UpdateError } from "../core/mod.ts";

/** The agent's version. */
export const AGENT_VERSION: string = manifest.version;

/** Directories that may be read or written, from deno.json's permission set `agent`. */
export const SCOPE: { readonly read: readonly string[]; readonly write: readonly string[] } =
  manifest.permissions.agent;

/**
 * The path, without `..`.
 *
 * @throws {UpdateError} `usage` where the agent was not compiled to go there; the message names the
 * places where it may.
 */
export function scopedPath(flag: string, path: string, access: "read" | "write"): string {
  const clean = normalize(path);
  const inside = SCOPE[access].some((place) => clean === place || clean.startsWith(`${place}/`));
  if (!inside) {
    throw new UpdateError("usage", {
      operation: `reading ${flag}`,
      found: `${path} lies outside of what this program may ${access}`,
      advice: `use a path inside ${SCOPE[access].join(", ")}`,
    });
  }
  return clean;
}
