/**
 * `install` on a node with systemd.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Systemd } from "./_systemd.ts";

/** The file that was copied to the node. */
export const AGENT = "/root/kubesolo-update";

/** Where it is installed. */
export const TARGET = "/usr/local/bin/kubesolo-update";

/** And its units. */
export const UNITS = "/etc/systemd/system";

/** What an agent that works holds. */
export const LOCK = "/var/lib/kubesolo/update/lock";

/** The settings. */
export const CONF = "/etc/kubesolo/update.conf";

/** What `install --json` prints. */
export interface Outcome {
  readonly init: string;
  readonly executable?: { result: string; from?: string; to: string; note?: string };
  readonly units: readonly { path: string; result: string; note?: string; backup?: string }[];
  readonly settings: { result: string; note?: string };
  readonly services: readonly { name: string; result: string }[];
  readonly next: readonly string[];
}

/** Runs `install` on a node with systemd; what it says it did. */
export async function install(systemd: Systemd, ...flags: readonly string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await systemd.run(AGENT, "install", "--json", ...flags);
  assertEquals([code, stderr], [0, ""], stdout);
  return JSON.parse(stdout);
}

/** Each result that something of it had, once. */
export function resultsOf({ executable, units, settings, services }: Outcome): string[] {
  const all = [...executable ? [executable] : [], ...units, settings, ...services];
  return [...new Set(all.map(({ result }) => result))];
}

/** Everything that `install` could have touched, with bytes and times. */
export function footprint(systemd: Systemd): Promise<string> {
  return systemd.sh(`
    find /usr/local/bin ${UNITS} /etc/kubesolo /root -printf '%p %m %i %T@ %l\\n' | sort
    find /usr/local/bin ${UNITS} /etc/kubesolo -type f | sort | xargs -r sha256sum`);
}
