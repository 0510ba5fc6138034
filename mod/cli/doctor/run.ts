/**
 * `doctor`: everything that could be wrong on a node, looked at without changing it.
 *
 * @module
 */

import type { Reporter } from "../../core/mod.ts";
import { exitOnSignal } from "../exit_on_signal.ts";
import type { PlaceFlags } from "../node_parts.ts";
import { bootChecks } from "./boot_checks.ts";
import { examine, type Level, type Named } from "./check.ts";
import { diskChecks } from "./disk_checks.ts";
import { machineChecks } from "./machine_checks.ts";
import { settingsChecks } from "./settings_checks.ts";
import { sightOf } from "./sight.ts";
import { slotChecks } from "./slot_checks.ts";
import { stateChecks } from "./state_checks.ts";

/** What the doctor found. */
export interface Examined {
  /** The worst of it. */
  readonly result: Exclude<Level, "skipped">;
  /** Each check, in order. */
  readonly checks: readonly Named[];
}

/**
 * Makes all checks. Partitions are mounted read-only, and the agent's lock is shared while the passive
 * slot is read; the view in /run is made where it is not there.
 *
 * @throws {UpdateError} `usage` where a flag leads out of the agent's places; nothing else.
 */
export async function runDoctor(flags: PlaceFlags, reporter: Reporter): Promise<Examined> {
  const sight = await sightOf(flags, reporter);
  const { mounts } = sight.parts;
  using _ending = exitOnSignal(() => mounts.release());
  const checks = await examine([
    ...machineChecks(sight),
    ...diskChecks(sight),
    ...bootChecks(sight),
    ...slotChecks(sight),
    ...stateChecks(sight),
    ...settingsChecks(sight),
  ]);
  // a check whose time was up may still be reading
  await mounts.release();
  const levels = checks.map(({ level }) => level);
  const worst = (["problem", "warning"] as const).find((level) => levels.includes(level));
  return { result: worst ?? "ok", checks };
}
