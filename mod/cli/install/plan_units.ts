/**
 * The files for the init: what is there, and what is to be done about it.
 *
 * @module
 */

import { readSmall, reasonOf, UpdateError } from "../../core/mod.ts";
import { DenoDisk, removeFile } from "../../host/mod.ts";
import { placeText, planForeign } from "./place_text.ts";
import type { Step } from "./step.ts";
import { isCopied, isOurs, type UnitFile } from "./unit_files.ts";

/** Most bytes of a unit that are read; one that is longer is somebody else's. */
const MAX_UNIT_BYTES = 64 << 10;

/** The way of a unit to its place; one that somebody has changed stays, unless `force` says so. */
export async function planUnit(unit: UnitFile, executable: string, force: boolean): Promise<Step> {
  const { path, text } = unit;
  const perform = () => placeText(unit);
  const found = await readUnit(path);
  if (!found) return { placed: { path, result: "installed" }, perform };
  if (found.text === text) return { placed: { path, result: "unchanged" } };
  if (isOwn(found, unit, executable)) return { placed: { path, result: "replaced" }, perform };
  // a masked unit is a link to /dev/null: somebody does not want it
  if (found.isLink) return { placed: { path, result: "kept", note: found.what } };
  return planForeign(unit, found.what, force);
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
  if (!isOwn(found, unit, executable) && !force) {
    const advice = `${path}: ${found.what}; --force removes it`;
    return { placed: { path, result: "kept", note: found.what }, advice };
  }
  return { placed: { path, result: "removed" }, perform: () => removeFile(path) };
}

/** Whether `install` has written what is there, or somebody has copied it from deploy/. */
function isOwn({ text }: FoundUnit, unit: UnitFile, executable: string): boolean {
  return text !== undefined && (isOurs(text) || isCopied(text, unit, executable));
}

/** What is at a unit's path. */
interface FoundUnit {
  /** Its text; absent where it is a link, or too long for a unit. */
  readonly text?: string;
  readonly isLink?: true;
  /** What to say of one that is not {@linkcode isOurs}. */
  readonly what: string;
}

/** What is at a unit's path; undefined: nothing. */
export async function readUnit(path: string): Promise<FoundUnit | undefined> {
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
