/**
 * Which release to take: the newest, or the newest that leads to it.
 *
 * @module
 */

import { firstRefusal, type NodeFacts } from "./gates.ts";
import { gatesOfRelease, reachable } from "./gates_of_release.ts";
import type { Node } from "./node.ts";
import type { Release } from "./release.ts";
import { believed } from "./trust.ts";
import type { UpdateSource, Withheld } from "./update_source.ts";
import { compareVersions } from "./version.ts";

/** What a source offers this node. */
export interface Choice {
  /** The release to ask the gates about. */
  readonly release: Release;
  /** The newest one; another than `release` where that is a stepping stone to it. */
  readonly newest: Release;
}

/**
 * The newest release; where it needs a newer version than the one that runs, the newest of the source's
 * stepping stones that this version may be updated to. One that another gate refuses comes last: then
 * that gate says what is in the way. Undefined where the source offers nothing, and why where it does so only
 * now.
 *
 * @throws {UpdateError} as the source does; `verification` where no signature was asked for that is wanted.
 */
export async function chooseRelease(
  node: Pick<Node, "reporter">,
  source: UpdateSource,
  facts: NodeFacts,
  force: boolean,
): Promise<Choice | Withheld | undefined> {
  const { version, trust, floor } = facts;
  const latest = await source.latest();
  if (!latest || "withheld" in latest) return latest;
  const newest = believed(latest, trust, floor);
  if (version === undefined || reachable(facts, newest) || !source.steppingStones) {
    return { release: newest, newest };
  }
  const message = `${newest.version} is too far from ${version}: looking for one in between`;
  node.reporter.report({ kind: "step", message });
  const offered = (await source.steppingStones()).map((stone) => believed(stone, trust, floor));
  const stones = offered.filter((stone) =>
    reachable(facts, stone) &&
    compareVersions(stone.version, version) > 0 &&
    compareVersions(stone.version, newest.version) < 0
  ).sort((a, b) => compareVersions(b.version, a.version));
  // room is asked for later, for the one that is chosen
  const fits = (stone: Release) => !firstRefusal(gatesOfRelease(facts, stone, Infinity, force));
  return { release: stones.find(fits) ?? stones.at(0) ?? newest, newest };
}

/** The version that `release` is a stepping stone to. */
export function destinationOf({ release, newest }: Choice): string | undefined {
  return release === newest ? undefined : newest.version;
}
