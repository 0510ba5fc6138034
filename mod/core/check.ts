/**
 * `check`: what is there, and would it be taken? Changes nothing.
 *
 * @module
 */

import { type Choice, chooseRelease, destinationOf } from "./choose.ts";
import { allGates, firstRefusal, type GateResult, type NodeFacts } from "./gates.ts";
import { factsOf, type Node, type Policy, type Standing, survey } from "./node.ts";
import { type Release, releaseDigest, releaseSize } from "./release.ts";
import { otherSlot } from "./slot.ts";
import type { UpdateSource, Withheld } from "./update_source.ts";
import { compareVersions, isVersion } from "./version.ts";

/** In the place of a version that nobody knows. */
export const UNKNOWN_VERSION = "unknown";

/** What `check` found. */
export interface CheckOutcome {
  /**
   * `available`: `apply` would take it; `refused`: a gate said no; `withheld`: the source gives nothing now,
   * and whether there is something is not known.
   */
  readonly result: "up_to_date" | "available" | "refused" | "withheld";
  /** The version that runs, where the slot says. */
  readonly runningVersion?: string;
  /** The version that the source offers this node; where it offers nothing, the one that runs. */
  readonly version: string;
  /** The newest version, where that needs another one first: `version`. */
  readonly steppingStoneTo?: string;
  /** {@linkcode releaseDigest} of it; absent where the source offers nothing. */
  readonly digest?: string;
  /** Bytes to fetch, where known. */
  readonly size?: number;
  /** The source's words for people. */
  readonly notes?: string;
  /** Why the source gives nothing now: {@linkcode Withheld.withheld}. */
  readonly withheld?: string;
  /** All gates that were asked. */
  readonly gates: readonly GateResult[];
  /** The first that said no. */
  readonly refusal?: GateResult;
}

/**
 * Asks the source and the gates; not a byte is written.
 *
 * @throws {UpdateError} where the source or the node cannot be read.
 */
export async function check(
  node: Node,
  source: UpdateSource,
  policy: Policy,
): Promise<CheckOutcome> {
  const { standing, facts, choice } = await lookAround(node, source, policy);
  if (!choice || "withheld" in choice) return outcomeOfNothing(facts, [], choice);
  const { release } = choice;
  if (isUpToDate(facts, release)) return outcomeOf(facts, choice, []);
  const room = await node.slots.room(otherSlot(standing.running), release);
  return outcomeOf(facts, choice, allGates(facts, release, room.available, policy.force));
}

/** The node and what the source offers it, before any gate is asked. */
export async function lookAround(
  node: Node,
  source: UpdateSource,
  policy: Policy,
): Promise<{ standing: Standing; facts: NodeFacts; choice?: Choice | Withheld }> {
  const standing = await survey(node);
  for (const message of standing.notices) node.reporter.report({ kind: "warning", message });
  const facts = await factsOf(node, standing, policy);
  return { standing, facts, choice: await chooseRelease(node, source, facts, policy.force) };
}

/** What these gates come to. */
export function outcomeOf(
  facts: NodeFacts,
  choice: Choice,
  gates: readonly GateResult[],
): CheckOutcome {
  const { release } = choice;
  const upToDate = isUpToDate(facts, release);
  const refusal = upToDate ? undefined : firstRefusal(gates);
  return {
    runningVersion: facts.version,
    version: release.version,
    steppingStoneTo: destinationOf(choice),
    digest: releaseDigest(release),
    size: releaseSize(release),
    notes: release.notes,
    result: upToDate ? "up_to_date" : refusal ? "refused" : "available",
    gates,
    refusal,
  };
}

/** Where the source offers nothing, or gives nothing now. */
export function outcomeOfNothing(
  { version }: NodeFacts,
  gates: readonly GateResult[],
  nothing?: Withheld,
): CheckOutcome {
  return {
    runningVersion: version,
    version: version ?? UNKNOWN_VERSION,
    result: nothing ? "withheld" : "up_to_date",
    withheld: nothing?.withheld,
    gates,
  };
}

/** Whether the node already runs this version. */
export function isUpToDate(facts: NodeFacts, release: Release): boolean {
  return facts.version !== undefined && isVersion(facts.version) &&
    compareVersions(facts.version, release.version) === 0;
}
