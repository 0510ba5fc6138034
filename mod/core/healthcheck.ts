/**
 * `healthcheck`: after a reboot, is this system well? Then the slot on trial is confirmed.
 *
 * @module
 */

import { reasonOf, shortened, UpdateError } from "./errors.ts";
import { confirming, highest } from "./floor.ts";
import { type GivenUp, giveUp } from "./give_up.ts";
import type { HealthCheck, HealthResult } from "./health_check.ts";
import { enter, type Node, runningVersion, takeStock } from "./node.ts";
import { type Patience, runChecks } from "./run_checks.ts";
import type { Slot } from "./slot.ts";
import { type Candidate, record, type UpdateState } from "./state.ts";
import { healthNews } from "./state_records.ts";

/** Most characters of all reasons together: they go onto the ledger. */
export const MAX_FOUND_LENGTH = 3000;

/** How `healthcheck` judges. */
export interface HealthcheckPolicy extends Patience {
  /** Failed health checks, one after another, after which a slot on trial is given up. */
  readonly autoRollbackAfter?: number;
}

/** What `healthcheck` found and did. */
export interface HealthcheckOutcome {
  /** The slot that runs. */
  readonly slot: Slot;
  /** The version in it, where it says. */
  readonly version?: string;
  /** The slot was on trial and is confirmed now. */
  readonly confirmed: boolean;
  /** What each check answered. */
  readonly checks: readonly HealthResult[];
  /** The slot was given up: GRUB boots the other one from now on, and a reboot is needed. */
  readonly rolledBack?: GivenUp;
}

/**
 * Runs all checks next to each other. Resolves when all passed and, where the running slot was on
 * trial, both copies of the boot environment confirm it; or when the slot failed for the
 * {@linkcode HealthcheckPolicy.autoRollbackAfter}th time since it was activated, and GRUB will boot the
 * other one, which was read and matched before.
 *
 * A boot that was chosen by hand in GRUB's menu confirms nothing, and gives nothing up.
 *
 * @throws {UpdateError} `unhealthy` where a check said no: the slot stays on trial, and GRUB goes back
 * by itself when its attempts are used up.
 */
export async function healthcheck(
  node: Node,
  checks: readonly HealthCheck[],
  policy: HealthcheckPolicy,
): Promise<HealthcheckOutcome> {
  const standing = await takeStock(node);
  const { running, environment } = standing;
  const primary = environment.effective;
  const byHand = node.boot.why === "manual";
  const onTrial = !byHand && primary?.active === running && !primary.success;
  const candidate = standing.state.candidate?.slot === running
    ? standing.state.candidate
    : undefined;
  // confirmed in grubenv, but the power went before the state said so
  const halfDone = !byHand && candidate !== undefined && primary?.active === running;

  let state = standing.state;
  if (onTrial || halfDone) {
    state = await enter(node, state, "verifying", {
      candidate: countBoot(candidate, node.boot.id),
    });
  }
  const results = await runChecks(node, checks, policy);
  const failed = results.filter(({ passed, wanted }) => !passed && !wanted);
  if (failed.length > 0) return await unhealthy(failed);

  const ownsEnvironment = !byHand && (primary === undefined || primary.active === running);
  if (ownsEnvironment) await node.bootEnv.confirm(running);
  if (onTrial || halfDone) await succeed();
  else await note();
  return await outcome(onTrial || halfDone);

  async function outcome(confirmed: boolean): Promise<HealthcheckOutcome> {
    const version = await runningVersion(node, { running, state });
    return { slot: running, version, confirmed, checks: results };
  }

  async function unhealthy(failed: readonly HealthResult[]): Promise<HealthcheckOutcome> {
    const reasons = failed.map(({ name, reason }) => `${name}: ${reason}`).join(", ");
    let found = shortened(reasons, MAX_FOUND_LENGTH);
    if (onTrial) {
      const before = state.candidate;
      const failures = (before?.failed_checks ?? 0) + 1;
      const candidate = before && { ...before, unhealthy: found, failed_checks: failures };
      state = await enter(node, state, "failed", {
        resting: "failed",
        last_error: `unhealthy: ${found}`,
        candidate,
        health: { results, at: node.now().toISOString() },
      });
      if (candidate && failures >= (policy.autoRollbackAfter ?? Infinity)) {
        let rolledBack: GivenUp | undefined;
        try {
          rolledBack = await giveUp(
            node,
            state,
            candidate,
            `unhealthy ${failures} times: ${found}`,
          );
        } catch (error) {
          if (!(error instanceof UpdateError)) throw error;
          found += `; it is to be given up, but: ${reasonOf(error)}`;
        }
        if (rolledBack) return { ...await outcome(false), rolledBack };
      }
    } else {
      await note();
    }
    throw new UpdateError("unhealthy", {
      operation: `checking the health of slot ${running}`,
      found,
      advice: advice(),
    });
  }

  function advice(): string {
    if (onTrial) {
      return `reboot: tries that GRUB has left for it before it goes back: ${
        primary?.counter ?? 0
      }`;
    }
    return primary && primary.active !== running
      ? `reboot: GRUB boots slot ${primary.active} next`
      : "the slot is confirmed and stays; `kubesolo-update rollback` goes to the other one";
  }

  async function succeed(): Promise<void> {
    const at = node.now().toISOString();
    const { candidate } = state;
    const { version, floor } = await node.slots.inspect(running);
    state = await enter(node, state, "success", {
      floor: confirming(
        highest(state.floor, floor),
        version ?? candidate?.version,
        floor?.raises ?? candidate?.min_allowed_version,
      ),
      resting: "success",
      last_error: undefined,
      candidate: undefined,
      ledger: candidate
        ? record(state.ledger, {
          digest: candidate.digest,
          version: candidate.version,
          outcome: "success",
          reason: "healthy",
          attempts: candidate.boots,
          at,
        })
        : state.ledger,
      health: { results, at },
    });
  }

  /** For those who watch. A disk that is full must not hide why the node is not well. */
  async function note(): Promise<void> {
    const health = healthNews(state.health, results, node.now());
    if (!health) return;
    try {
      await node.states.save({ ...state, health });
    } catch (error) {
      node.reporter.report({ kind: "warning", message: reasonOf(error) });
    }
  }
}

function countBoot(candidate: Candidate | undefined, bootId: string): UpdateState["candidate"] {
  if (!candidate || candidate.last_boot_id === bootId) return candidate;
  return { ...candidate, last_boot_id: bootId, boots: candidate.boots + 1 };
}
