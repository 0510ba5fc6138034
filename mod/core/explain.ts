/**
 * `check --explain`: every gate's answer, what would be fetched, what GRUB does next. Changes nothing.
 *
 * @module
 */

import { type BootForecast, forecastBoot } from "./boot_env.ts";
import { type CheckOutcome, lookAround, outcomeOf, outcomeOfNothing } from "./check.ts";
import { allGates } from "./gates.ts";
import { gatesBeforeNetwork } from "./gates_of_node.ts";
import type { Node, Policy } from "./node.ts";
import type { Phase } from "./phases.ts";
import type { ArtifactName } from "./release.ts";
import { otherSlot, type Slot } from "./slot.ts";
import type { UpdateSource } from "./update_source.ts";

/** One artifact, and how much of it `apply` would fetch. */
export interface FetchPlan {
  /** Which. */
  readonly name: ArtifactName;
  /** Its bytes, where the source says. */
  readonly size?: number;
  /** Bytes of it that are in the slot already: kept from before, or from a download that broke off. */
  readonly there: number;
}

/** What `check --explain` found. */
export interface Explanation extends CheckOutcome {
  /** What was asked. */
  readonly source: string;
  /** The slot that runs. */
  readonly running: Slot;
  /** The slot that an update would be written to. */
  readonly passive: Slot;
  /** Where the last update stands. */
  readonly phase: Phase;
  /** The release is in the passive slot already, as far as the state knows. */
  readonly staged: boolean;
  /** What would be fetched. */
  readonly fetch: readonly FetchPlan[];
  /** Bytes that the passive slot can take; absent where the source offers nothing. */
  readonly room?: number;
  /** What GRUB does at the next boot. */
  readonly nextBoot: BootForecast;
}

/**
 * Asks the source and all gates, also where the first of them has said no or there is nothing to do.
 *
 * @throws {UpdateError} where the source or the node cannot be read.
 */
export async function explain(
  node: Node,
  source: UpdateSource,
  policy: Policy,
): Promise<Explanation> {
  const { standing, facts, choice } = await lookAround(node, source, policy);
  const passive = otherSlot(standing.running);
  const { download, candidate, phase } = standing.state;
  const around = {
    source: source.name,
    running: standing.running,
    passive,
    phase,
    nextBoot: forecastBoot(standing.environment),
  };
  if (!choice || "withheld" in choice) {
    const outcome = outcomeOfNothing(facts, gatesBeforeNetwork(facts, policy.force), choice);
    return { ...outcome, ...around, staged: false, fetch: [] };
  }
  const { release } = choice;
  const { available, kept = [] } = await node.slots.room(passive, release);
  const outcome = outcomeOf(facts, choice, allGates(facts, release, available, policy.force));
  const staged = candidate?.digest === outcome.digest;
  return {
    ...outcome,
    ...around,
    staged,
    fetch: release.artifacts.map(({ name, sha256, size }) => {
      const begun = download?.sha256 === sha256 ? download.bytes : 0;
      return { name, size, there: staged || kept.includes(name) ? size ?? 0 : begun };
    }),
    room: available,
  };
}
