/**
 * Health: what the operator's own scripts say, in directories as greenboot has them.
 *
 * @module
 */

import { type HealthCheck, oneLine, reasonOf } from "../core/mod.ts";
import { runScript } from "./_script.ts";

/** Where the scripts are. */
export const HEALTH_SCRIPTS = "/etc/kubesolo/health.d";

/** Below it: those that must succeed, and those whose failure is a warning. */
const KINDS = [{ name: "required.d", wanted: false }, { name: "wanted.d", wanted: true }] as const;

/** All that a script finds in its environment, besides what the caller adds. */
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

const EXECUTABLE = 0o111;

/** The scripts of a node. */
export interface ScriptChecks {
  /** One check for each script, in the order of their names. */
  readonly checks: readonly HealthCheck[];
  /** What lies there besides, one line each. */
  readonly warnings: readonly string[];
}

/**
 * A check for each executable regular file in `required.d` and `wanted.d` of `directory`; it passes when
 * the script ends with 0. The script runs in `/` and in a session of its own, with a PATH and `more` as
 * its environment; at the timeout everything in its process group is killed.
 */
export async function scriptChecks(
  directory: string = HEALTH_SCRIPTS,
  more: Readonly<Record<string, string>> = {},
): Promise<ScriptChecks> {
  const checks: HealthCheck[] = [];
  const warnings: string[] = [];
  for (const { name: kind, wanted } of KINDS) {
    for (const file of await namesIn(`${directory}/${kind}`, warnings)) {
      const path = `${directory}/${kind}/${file}`;
      const problem = await problemOf(path);
      if (problem) warnings.push(`${oneLine(path)} is no health check: ${problem}`);
      else checks.push(scriptCheck(`${kind}/${oneLine(file)}`, path, wanted, more));
    }
  }
  return { checks, warnings };
}

function scriptCheck(
  name: string,
  path: string,
  wanted: boolean,
  more: Readonly<Record<string, string>>,
): HealthCheck {
  return {
    name,
    wanted,
    async run(signal) {
      const { success, account } = await runScript(path, { ...ENVIRONMENT, ...more }, signal);
      if (signal.aborted) throw new Error(`${reasonOf(signal.reason)}, ${account}`);
      if (!success) throw new Error(account);
    },
  };
}

/** The names in a directory, sorted; none where it is not there. */
async function namesIn(directory: string, warnings: string[]): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name).sort();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      warnings.push(`${directory}: ${reasonOf(error)}`);
    }
    return [];
  }
}

async function problemOf(path: string): Promise<string | undefined> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    if (!isFile) return "not a regular file";
    return (mode ?? 0) & EXECUTABLE ? undefined : "not executable";
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? "a link that leads nowhere" : reasonOf(error);
  }
}
