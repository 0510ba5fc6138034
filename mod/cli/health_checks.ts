/**
 * Chooses the health checks that suit a node.
 *
 * @module
 */

import type { Disk, HealthCheck } from "../core/mod.ts";
import { dataPartitionCheck, probeCheck } from "../host/mod.ts";
import type { Settings } from "./read_settings.ts";

/** What {@linkcode chooseHealthChecks} goes by. */
export interface HealthPlaces {
  readonly settings: Settings;
  readonly disk: Disk;
  /** The agent's directory on the data partition. */
  readonly workDirectory: string;
}

/** The checks that the settings ask for, and those that suit what is on the node. */
export async function chooseHealthChecks(
  { settings, disk, workDirectory }: HealthPlaces,
): Promise<readonly HealthCheck[]> {
  const checks = [dataPartitionCheck(disk, workDirectory)];
  const url = settings.get("healthcheckUrl");
  if (url) checks.push(probeCheck(url));
  return await Promise.resolve(checks);
}
