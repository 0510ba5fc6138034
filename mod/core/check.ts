/**
 * `check`: what is there, and would it be taken? Changes nothing.
 *
 * @module
 */

import {
  firstRefusal,
  type GateResult,
  gatesBeforeNetwork,
  gatesOfRelease,
  type NodeFacts,
} from "./gates.ts";
import { factsOf, type Node, type Policy, survey } from "./node.ts";
import { type Release, releaseDigest, releaseSize } from "./release.ts";
import { otherSlot } from "./slot.ts";
import type { UpdateSource } from "./update_source.ts";
import { compareVersions, isVersion } from "./version.ts";

/** What `check` found. */
export interface CheckOutcome {
  /** `available`: `apply` would take it; `refused`: a gate said no. */
  readonly result: "up_to_date" | "available" | "refused";
  /** The version that runs, where the slot says. */
  readonly runningVersion?: string;
  /** The version that the source offers. */
  readonly version: string;
  /** {@linkcode releaseDigest} of it. */
  readonly digest: string;
  /** Bytes to fetch, where known. */
  readonly size?: number;
  /** The source's words for people. */
  readonly notes?: string;
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
  const standing = await survey(node);
  for (const message of standing.notices) node.reporter.report({ kind: "warning", message });
  const facts = await factsOf(node, standing, policy);
  const release = await source.latest();
  const found = {
    runningVersion: facts.version,
    version: release.version,
    digest: releaseDigest(release),
    size: releaseSize(release),
    notes: release.notes,
  };
  if (isUpToDate(facts, release)) return { ...found, result: "up_to_date", gates: [] };
  const room = await node.slots.room(otherSlot(standing.running), release);
  const gates = [
    ...gatesBeforeNetwork(facts, policy.force),
    ...gatesOfRelease(facts, release, room.available, policy.force),
  ];
  const refusal = firstRefusal(gates);
  return { ...found, result: refusal ? "refused" : "available", gates, refusal };
}

/** Whether the node already runs this version. */
export function isUpToDate(facts: NodeFacts, release: Release): boolean {
  return facts.version !== undefined && isVersion(facts.version) &&
    compareVersions(facts.version, release.version) === 0;
}
