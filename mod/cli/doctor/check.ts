/**
 * What a doctor's check is, and how many of them are made: each on its own, and none for ever.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../../core/mod.ts";

/** How bad it is. `skipped`: what it looks at is not there to be looked at. */
export type Level = "ok" | "warning" | "problem" | "skipped";

/** What a check came to. */
export interface Finding {
  /** How bad it is. */
  readonly level: Level;
  /** What was found. */
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** A question to a node. */
export interface Check {
  /** What it is about. */
  readonly name: string;
  /** Seconds that it may take; {@linkcode CHECK_SECONDS} where absent. */
  readonly seconds?: number;
  /** Looks, and changes nothing. What it throws is a problem, or {@linkcode Skipped}. */
  look(): Promise<Finding>;
}

/** A {@linkcode Finding}, and the check that made it. */
export type Named = Finding & { readonly name: string };

/** Seconds that a check may take: more than a sound disk needs to be mounted. */
const CHECK_SECONDS = 15;

/** All is well. */
export function ok(found: string): Finding {
  return { level: "ok", found };
}

/** The node runs, but not as it should. */
export function warning(found: string, advice: string): Finding {
  return { level: "warning", found, advice };
}

/** Updates will fail, or the way back is closed. */
export function problem(found: string, advice: string): Finding {
  return { level: "problem", found, advice };
}

/** The worst of some findings, and what all that are not `ok` say; `well` where there is none of those. */
export function together(findings: readonly Finding[], well: string): Finding {
  const bad = findings.filter(({ level }) => level !== "ok");
  if (bad.length === 0) return ok(well);
  const level = bad.some((finding) => finding.level === "problem") ? "problem" : "warning";
  const advice = [...new Set(bad.flatMap((finding) => finding.advice ?? []))].join("; ");
  return { level, found: bad.map(({ found }) => found).join("; "), advice };
}

/** Thrown by a check that another check's subject is missing for. */
export class Skipped extends Error {}

/** What `promise` resolves with; where it fails, another check has said so. */
export async function needed<T>(promise: Promise<T>, what: string): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    throw new Skipped(`${what} cannot be told`, { cause });
  }
}

/** Makes all checks, one after another; none keeps another one from being made. */
export async function examine(checks: readonly Check[]): Promise<Named[]> {
  const findings: Named[] = [];
  for (const check of checks) findings.push({ name: check.name, ...await findingOf(check) });
  return findings;
}

async function findingOf({ look, seconds = CHECK_SECONDS }: Check): Promise<Finding> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Finding>((resolve) => {
    const found = `no answer within ${seconds} s`;
    const advice = "look into the kernel's log: a disk that does not answer may be failing";
    timer = setTimeout(() => resolve(problem(found, advice)), seconds * 1000);
  });
  try {
    return await Promise.race([look(), late]);
  } catch (error) {
    if (error instanceof Skipped) return { level: "skipped", found: error.message };
    if (error instanceof UpdateError) {
      return problem(`${error.operation}: ${error.found}`, error.advice);
    }
    return problem(reasonOf(error), "run it as root; if it stays so, please report it");
  } finally {
    clearTimeout(timer);
  }
}
