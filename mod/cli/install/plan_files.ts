/**
 * The executable and the files for the init: what is there, and what is to be done about it.
 *
 * @module
 */

import { readSmall, reasonOf, UpdateError } from "../../core/mod.ts";
import { DenoDisk, placeFile, removeFile } from "../../host/mod.ts";
import { describeBuild, describeForeign, placeExecutable, refuseOther } from "./executable.ts";
import type { Placed, Step } from "./step.ts";
import { isCopied, isOurs, type UnitFile } from "./unit_files.ts";

/** Most bytes of a unit that are read; one that is longer is somebody else's. */
export const MAX_UNIT_BYTES = 64 << 10;

/** Letters of a SHA-256 that tell two builds of one version apart. */
const SHOWN_DIGITS = 12;

/** The executable. */
export interface PlacedExecutable extends Placed {
  /** The version that was there; absent: none, or what was there is no agent. */
  readonly from?: string;
  /** The version that is there now. */
  readonly to: string;
}

/**
 * The way of the executable at `from` to `path`.
 *
 * @throws {UpdateError} `refused` where a newer one is there, or no agent at all, and nothing says `force`.
 */
export async function planExecutable(
  from: string,
  path: string,
  force: boolean,
): Promise<Step<PlacedExecutable>> {
  const own = await describeBuild(from);
  if (!own?.version) {
    throw new UpdateError("usage", {
      operation: `reading ${from}`,
      found: "no version of kubesolo-update",
      advice: "run the executable that `deno task compile` makes",
    });
  }
  const found = await describeBuild(path);
  const to = own.version;
  if (found?.sha256 === own.sha256) return { placed: { path, result: "unchanged", to } };
  const perform = () => placeExecutable(from, path, own);
  if (!found) return { placed: { path, result: "installed", to }, perform };
  refuseOther(path, found, own, force);
  const [before, after] = [found, own].map(({ sha256 }) => sha256.slice(0, SHOWN_DIGITS));
  const note = found.version === to
    ? `another build of ${to}: ${before} was there, ${after} is`
    : undefined;
  return { placed: { path, result: "replaced", from: found.version, to, note }, perform };
}

/** The way of an executable out of its place, where there is one; what is no agent stays without `force`. */
export async function planExecutableRemoval(
  path: string,
  force: boolean,
): Promise<Step<PlacedExecutable> | undefined> {
  const found = await describeBuild(path);
  if (!found) return undefined;
  const to = found.version ?? "unknown";
  if (found.version || force) {
    return { placed: { path, result: "removed", to }, perform: () => removeFile(path) };
  }
  const note = describeForeign(found);
  const advice = `${path}: ${note}; --force removes it`;
  return { placed: { path, result: "kept", note, to }, advice };
}

/** The way of a unit to its place; one that somebody has changed stays, unless `force` says so. */
export async function planUnit(unit: UnitFile, executable: string, force: boolean): Promise<Step> {
  const { path, mode, text } = unit;
  const write = (backup?: string) => () => placeText(path, mode, text, backup);
  const found = await readUnit(path);
  if (found === undefined) return { placed: { path, result: "installed" }, perform: write() };
  if (found.text === text) return { placed: { path, result: "unchanged" } };
  if (found.text !== undefined && (isOurs(found.text) || isCopied(found.text, unit, executable))) {
    return { placed: { path, result: "replaced" }, perform: write() };
  }
  // a masked unit is a link to /dev/null: somebody does not want it
  if (found.isLink) return { placed: { path, result: "kept", note: found.what } };
  if (!force) return keptFile(path, found.what);
  const backup = `${path}.bak`;
  return { placed: { path, result: "replaced", backup }, perform: write(backup) };
}

/** Writes a small file; what was there is kept at `backup`, where one is named. */
export async function placeText(
  path: string,
  mode: number,
  text: string,
  backup?: string,
): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await placeFile(path, mode, (file) => file.write(bytes), backup);
}

/** The way of a unit out of its place, where there is one; see {@linkcode planUnit}. */
export async function planRemoval(
  unit: UnitFile,
  executable: string,
  force: boolean,
): Promise<Step | undefined> {
  const { path } = unit;
  const found = await readUnit(path);
  if (!found) return undefined;
  const own = found.text !== undefined &&
    (isOurs(found.text) || isCopied(found.text, unit, executable));
  if (!own && !force) {
    const advice = `${path}: ${found.what}; --force removes it`;
    return { placed: { path, result: "kept", note: found.what }, advice };
  }
  return { placed: { path, result: "removed" }, perform: () => removeFile(path) };
}

/** A file of somebody else's, which stays as it is. */
export function keptFile(path: string, note: string): Step {
  const advice = `${path}: ${note}; --force replaces it, and keeps it as .bak`;
  return { placed: { path, result: "kept", note }, advice };
}

/** What is at a unit's path; undefined: nothing. */
export async function readUnit(
  path: string,
): Promise<{ readonly text?: string; readonly isLink?: true; readonly what: string } | undefined> {
  try {
    // it leads to where the agent may not look
    if ((await Deno.lstat(path)).isSymlink) return { isLink: true, what: "it is a link" };
    const bytes = await readSmall(new DenoDisk(), path, MAX_UNIT_BYTES);
    const what = "somebody has changed it";
    return bytes ? { text: new TextDecoder().decode(bytes), what } : { what };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new UpdateError("slot", {
      operation: `reading ${path}`,
      found: reasonOf(error),
      advice: "run it as root",
      cause: error,
    });
  }
}
