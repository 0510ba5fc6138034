/**
 * Asks the health checks, again and again until they say yes or the time is up.
 *
 * @module
 */

import { reasonOf, shortened } from "./errors.ts";
import type { HealthCheck, HealthResult } from "./health_check.ts";
import type { Node } from "./node.ts";

/** Seconds between a no and the next question. */
export const RETRY_SECONDS = 3;

/** Seconds between two lines that say what is still waited for. */
export const NEWS_SECONDS = 30;

/** Seconds that a check has for cleaning up, and for saying why, once its time is up. */
export const GRACE_SECONDS = 2;

/** Most characters of a reason: what the node's own services say is kept in the state. */
export const MAX_REASON_LENGTH = 500;

/** How long health checks may take. */
export interface Patience {
  /** Seconds that one try of a check may take. */
  readonly timeoutSeconds: number;
  /** Seconds from the start in which a check that said no is asked again; 0: each is asked once. */
  readonly deadlineSeconds: number;
}

/**
 * Asks all checks next to each other; a required one again after {@linkcode RETRY_SECONDS}, until it
 * says yes or the deadline has come. The wanted ones are asked once, when all required ones said yes:
 * the system is up then, and their no is a warning.
 */
export async function runChecks(
  node: Pick<Node, "reporter" | "sleep">,
  checks: readonly HealthCheck[],
  patience: Patience,
): Promise<readonly HealthResult[]> {
  const required = checks.filter(({ wanted }) => !wanted);
  const results = await Promise.all(required.map((check) => insist(node, check, patience)));
  if (results.some(({ passed }) => !passed)) return results;
  const wanted = checks.filter(({ wanted }) => wanted);
  const once = { ...patience, deadlineSeconds: 0 };
  return [...results, ...await Promise.all(wanted.map((check) => insist(node, check, once)))];
}

async function insist(
  { reporter, sleep }: Pick<Node, "reporter" | "sleep">,
  check: HealthCheck,
  { timeoutSeconds, deadlineSeconds }: Patience,
): Promise<HealthResult> {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let tries = 0;
  let told = -NEWS_SECONDS;
  let reason: string | undefined;
  while (true) {
    const left = tries === 0 ? timeoutSeconds : deadlineSeconds - elapsed();
    const answer = await ask(check, Math.min(timeoutSeconds, left));
    tries++;
    // a try that the deadline cut short knows less than the one before it
    const cut = answer?.late && left < timeoutSeconds;
    if (!cut) reason = answer?.reason;
    if (!answer || elapsed() + RETRY_SECONDS >= deadlineSeconds) break;
    if (elapsed() - told >= NEWS_SECONDS) {
      told = elapsed();
      reporter.report({ kind: "step", message: `waiting for ${check.name}: ${reason}` });
    }
    await sleep(RETRY_SECONDS * 1000);
  }
  const passed = reason === undefined;
  const milliseconds = Math.round(performance.now() - began);
  const { name, wanted } = check;
  if (passed || !wanted) {
    reporter.report({ kind: "health", check: name, passed, milliseconds, reason });
  } else {
    reporter.report({ kind: "warning", message: `health ${name}: ${reason}` });
  }
  return { name, passed, milliseconds, tries, reason, ...(wanted ? { wanted } : {}) };
}

/** Why not; undefined where the answer is yes. */
async function ask(
  check: HealthCheck,
  seconds: number,
): Promise<{ readonly reason: string; readonly late: boolean } | undefined> {
  const late = new Error(`no answer within ${Number(seconds.toFixed(1))} seconds`);
  const abort = new AbortController();
  const timers: ReturnType<typeof setTimeout>[] = [];
  const after = (seconds: number, act: () => void) =>
    void timers.push(setTimeout(act, seconds * 1000));
  const tooLate = new Promise<never>((_, reject) => {
    after(seconds, () => {
      abort.abort(late);
      after(GRACE_SECONDS, () => reject(late));
    });
  });
  try {
    await Promise.race([check.run(abort.signal), tooLate]);
    return undefined;
  } catch (error) {
    return { reason: shortened(reasonOf(error), MAX_REASON_LENGTH), late: abort.signal.aborted };
  } finally {
    timers.forEach(clearTimeout);
  }
}
