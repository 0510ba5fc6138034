/**
 * The executable: what is there, and what is to be done about it.
 *
 * @module
 */

import { UpdateError } from "../../core/mod.ts";
import { removeFile } from "../../host/mod.ts";
import { describeBuild, describeForeign, placeExecutable, refuseOther } from "./executable.ts";
import type { Placed, Step } from "./step.ts";

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
