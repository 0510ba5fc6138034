/**
 * `apply`: from what a source offers to a release that is staged in the passive slot.
 *
 * @module
 */

import { isUpToDate, UNKNOWN_VERSION } from "./check.ts";
import { chooseRelease, destinationOf } from "./choose.ts";
import { reasonOf, UpdateError } from "./errors.ts";
import { type Acceptance, accepting, confirming } from "./floor.ts";
import { firstRefusal, type GateResult, type NodeFacts, refusalError } from "./gates.ts";
import { gatesBeforeNetwork } from "./gates_of_node.ts";
import { gatesOfRelease, isCurrent } from "./gates_of_release.ts";
import { enter, factsOf, type Node, type Policy, takeStock } from "./node.ts";
import { clockShown } from "./known_time.ts";
import type { Phase } from "./phases.ts";
import { type Release, releaseDigest } from "./release.ts";
import { otherSlot, type Slot } from "./slot.ts";
import type { Marks } from "./slot_store.ts";
import type { UpdateState } from "./state.ts";
import { countRefusal } from "./state_records.ts";
import { transfer } from "./transfer.ts";
import { rootVersion } from "./trust.ts";
import type { UpdateSource, Withheld } from "./update_source.ts";

/** What `apply` did. */
export interface ApplyOutcome {
  /** `staged`: it is in the slot now; the others: there was nothing to do, or, `withheld`, to be had. */
  readonly result: "staged" | "already_staged" | "already_activated" | "up_to_date" | "withheld";
  /** The version that the source offers this node; where it offers nothing, the one that runs. */
  readonly version: string;
  /** The newest version, where that needs another one first: `version`. */
  readonly steppingStoneTo?: string;
  /** {@linkcode releaseDigest} of it; absent where the source offers nothing. */
  readonly digest?: string;
  /** Why the source gives nothing now: {@linkcode Withheld.withheld}. */
  readonly withheld?: string;
  /** The slot that holds it; for `up_to_date` and `withheld` the one that runs. */
  readonly slot: Slot;
}

/**
 * Resolves when the newest release is staged: in the passive slot, complete and read back. Then
 * nothing has changed for GRUB yet: it boots the running slot until `activate`.
 *
 * Interrupted at any moment, it is simply run again and goes on where it was.
 *
 * @throws {UpdateError} `refused` by a gate, and then nothing was written but the reason; else with the
 * code of what failed, and the phase is `failed`.
 */
export async function apply(
  node: Node,
  source: UpdateSource,
  policy: Policy,
): Promise<ApplyOutcome> {
  const standing = await takeStock(node);
  const { running } = standing;
  const passive = otherSlot(running);
  const facts = await factsOf(node, standing, policy);

  const resting = restingPhase(standing.state);
  const clock_shown = shownBefore(standing.state, policy.offlineTime);
  let state = await enter(node, standing.state, "checking", { resting, clock_shown });
  try {
    await refuseBy(gatesBeforeNetwork(facts, policy.force));

    node.reporter.report({ kind: "step", message: `asking ${source.name} what is new` });
    const choice = await chooseRelease(node, source, facts, policy.force);
    if (!choice || "withheld" in choice) return await rest(choice);
    const { release, newest } = choice;
    const digest = releaseDigest(release);
    const found = { version: release.version, digest };
    const floor = isCurrent(facts, release)
      ? accepting(facts.floor, release, acceptance(facts))
      : state.floor;
    const steppingStoneTo = destinationOf(choice);
    const offered = { version: newest.version, at: node.now().toISOString() };
    state = { ...state, offered, withheld: undefined };
    if (isUpToDate(facts, release)) {
      await enter(node, state, resting, { last_refusal: undefined, floor });
      return { ...found, result: "up_to_date", slot: running };
    }
    const room = await node.slots.room(passive, release);
    await refuseBy(
      gatesOfRelease(facts, release, room.available, policy.force),
      release.version,
    );

    if (state.candidate?.digest === digest && await stillThere(state, passive)) {
      const activated = resting === "activated";
      await enter(node, state, activated ? "activated" : "staged", {
        last_refusal: undefined,
        candidate: { ...state.candidate, signed_by: release.signedBy },
        floor,
      });
      return {
        ...found,
        steppingStoneTo,
        result: activated ? "already_activated" : "already_staged",
        slot: passive,
      };
    }

    const again = state.to_version === release.version;
    const attempt_id = newAttemptId();
    node.reporter.report({ kind: "attempt", id: attempt_id });
    state = await enter(node, state, "downloading", {
      from_version: facts.version,
      to_version: release.version,
      attempt_id,
      attempt_count: again ? state.attempt_count + 1 : 1,
      attempts_total: (state.attempts_total ?? state.attempt_count) + 1,
      started_at: node.now().toISOString(),
      last_refusal: undefined,
      candidate: undefined,
      slots: { ...state.slots, [passive]: undefined },
      floor: confirming(floor, facts.version, undefined),
    });
    // from here on nothing may boot the passive slot
    await node.bootEnv.confirm(running);
    const { bytes, seconds } = await write(release);
    state = await enter(node, state, "staged", {
      resting: "staged",
      download: undefined,
      last_download: { bytes, seconds, at: node.now().toISOString() },
      candidate: {
        ...found,
        slot: passive,
        boot_id: node.boot.id,
        boots: 0,
        min_allowed_version: release.minAllowedVersion,
        signed_by: release.signedBy,
      },
      slots: {
        ...state.slots,
        [passive]: { ...found, artifacts: release.artifacts, at: node.now().toISOString() },
      },
    });
    return { ...found, steppingStoneTo, result: "staged", slot: passive };
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    if (error.code !== "refused") {
      const back = state.phase === "checking" && (resting === "staged" || resting === "activated");
      const phase = back ? resting : "failed";
      await enter(node, state, phase, { resting: phase, last_error: reasonOf(error) });
    }
    throw error;
  }

  /** Nothing is to be had; a source that gives a reason has not said that the node is current. */
  async function rest(nothing: Withheld | undefined): Promise<ApplyOutcome> {
    const { version } = facts;
    const at = node.now().toISOString();
    const offered = version === undefined ? undefined : { version, at };
    const said = nothing
      ? { withheld: { why: nothing.withheld, at } }
      : { withheld: undefined, offered };
    await enter(node, state, resting, nothing?.unasked ? {} : { last_refusal: undefined, ...said });
    return {
      version: version ?? UNKNOWN_VERSION,
      result: nothing ? "withheld" : "up_to_date",
      withheld: nothing?.withheld,
      slot: running,
    };
  }

  async function refuseBy(gates: readonly GateResult[], version?: string): Promise<void> {
    const refusal = firstRefusal(gates);
    if (!refusal) return;
    const { gate, wanted, found } = refusal;
    const at = node.now().toISOString();
    await enter(node, state, resting, {
      last_refusal: { gate, wanted, found, version, at },
      refusals: countRefusal(state.refusals, gate),
    });
    throw refusalError(refusal, version);
  }

  /** What was staged earlier may have been damaged since: then it is fetched again. */
  async function stillThere(state: UpdateState, slot: Slot): Promise<boolean> {
    try {
      await node.slots.verify(slot, state.slots[slot]?.artifacts);
      return true;
    } catch (error) {
      if (!(error instanceof UpdateError)) throw error;
      node.reporter.report({ kind: "warning", message: `fetching again: ${reasonOf(error)}` });
      return false;
    }
  }

  /** What came from the source, and how long that took; nothing else is in the seconds. */
  async function write(release: Release): Promise<{ bytes: number; seconds: number }> {
    const { reporter } = node;
    let [bytes, milliseconds] = [0, 0];
    const marks: Marks = {
      of: ({ sha256 }) => state.download?.sha256 === sha256 ? state.download.bytes : 0,
      async keep(mark) {
        state = await enter(node, state, "downloading", { download: mark });
      },
    };
    reporter.report({ kind: "step", message: `writing ${release.version} to slot ${passive}` });
    await node.slots.write(passive, {
      running,
      release,
      marks,
      floor: { ...state.floor, raises: release.minAllowedVersion },
      async fetch(artifact, sink) {
        const began = performance.now();
        bytes += await transfer(source, artifact, sink, {
          reporter,
          stallSeconds: policy.stallSeconds,
          sleep: node.sleep,
        });
        milliseconds += performance.now() - began;
      },
    });
    return { bytes, seconds: Math.round(milliseconds) / 1000 };
  }
}

/** The phase to return to where a check finds nothing to do: what was before it, or before a cut. */
function restingPhase({ phase, resting, candidate }: UpdateState): Phase {
  const passing = phase === "checking" || phase === "downloading" || phase === "verifying";
  const rest = passing ? resting : phase;
  return (rest === "staged" || rest === "activated") && !candidate ? "idle" : rest;
}

function acceptance({ channel, time, now, trust }: NodeFacts): Acceptance {
  return { channel, at: time?.at ?? now, root: rootVersion(trust) };
}

/** What the clock has shown; whoever says that it is earlier takes that back, for the runs to come as well. */
function shownBefore(state: UpdateState, offline: Date | undefined): string | undefined {
  const shown = clockShown(state);
  return (offline && shown && offline < shown ? offline : shown)?.toISOString();
}

function newAttemptId(): string {
  return crypto.randomUUID().slice(0, 8);
}
