/**
 * `healthcheck`: after a reboot, is this system well? Then the slot on trial is confirmed.
 *
 * @module
 */

import { reasonOf, UpdateError } from "./errors.ts";
import type { HealthCheck, HealthResult } from "./health_check.ts";
import { enter, type Node, runningVersion, takeStock } from "./node.ts";
import type { Slot } from "./slot.ts";
import { type Candidate, record, type UpdateState } from "./state.ts";
import { healthNews } from "./state_records.ts";

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
}

/**
 * Runs all checks next to each other. Resolves when all passed and, where the running slot was on
 * trial, both copies of the boot environment confirm it.
 *
 * A boot that was chosen by hand in GRUB's menu confirms nothing.
 *
 * @throws {UpdateError} `unhealthy` where a check said no: the slot stays on trial, and GRUB goes back
 * by itself when its attempts are used up.
 */
export async function healthcheck(
  node: Node,
  checks: readonly HealthCheck[],
  timeoutSeconds: number,
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
  const results = await runAll(node, checks, timeoutSeconds);
  const failed = results.filter((result) => !result.passed);
  if (failed.length > 0) throw await unhealthy(failed);

  const ownsEnvironment = !byHand && (primary === undefined || primary.active === running);
  if (ownsEnvironment) await node.bootEnv.confirm(running);
  if (onTrial || halfDone) await succeed();
  else await note();
  const version = await runningVersion(node, { running, state });
  return { slot: running, version, confirmed: onTrial || halfDone, checks: results };

  async function unhealthy(failed: readonly HealthResult[]): Promise<UpdateError> {
    const found = failed.map(({ name, reason }) => `${name}: ${reason}`).join(", ");
    if (onTrial) {
      state = await enter(node, state, "failed", {
        resting: "failed",
        last_error: `unhealthy: ${found}`,
        candidate: state.candidate && { ...state.candidate, unhealthy: found },
        health: { results, at: node.now().toISOString() },
      });
    } else {
      await note();
    }
    return new UpdateError("unhealthy", {
      operation: `checking the health of slot ${running}`,
      found,
      advice: onTrial
        ? `reboot: tries that GRUB has left for it before it goes back: ${primary?.counter ?? 0}`
        : "the slot is confirmed and stays; `kubesolo-update rollback` goes to the other one",
    });
  }

  async function succeed(): Promise<void> {
    const at = node.now().toISOString();
    const { candidate } = state;
    state = await enter(node, state, "success", {
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

function runAll(
  node: Node,
  checks: readonly HealthCheck[],
  timeoutSeconds: number,
): Promise<HealthResult[]> {
  return Promise.all(checks.map(async (check): Promise<HealthResult> => {
    const began = performance.now();
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer within ${timeoutSeconds} seconds`));
        abort.abort();
      }, timeoutSeconds * 1000);
    });
    let reason: string | undefined;
    try {
      await Promise.race([check.run(abort.signal), late]);
    } catch (error) {
      reason = reasonOf(error);
    } finally {
      clearTimeout(timer);
    }
    const passed = reason === undefined;
    const milliseconds = Math.round(performance.now() - began);
    node.reporter.report({ kind: "health", check: check.name, passed, milliseconds, reason });
    return { name: check.name, passed, milliseconds, reason };
  }));
}
