/**
 * Services of the agent, under the init that the node has.
 *
 * @module
 */

import { OpenRc, type ServiceManager, Systemd } from "../../host/mod.ts";
import { HOMES, type InitWithFiles } from "./unit_files.ts";

/** What became of a service. `masked`: somebody forbade it, and so it stays. */
export interface PlacedService {
  /** As its init calls it. */
  readonly name: string;
  /** What became of it. */
  readonly result: "enabled" | "unchanged" | "masked" | "disabled";
}

/** Who starts services under `init`. */
export function serviceManager(init: InitWithFiles): ServiceManager {
  return init === "systemd" ? new Systemd() : new OpenRc();
}

/**
 * Services started and then enabled: one that could not be enabled is looked at again the next time.
 *
 * @throws {UpdateError} `slot` where the init says no.
 */
export async function bringUp(
  init: InitWithFiles,
  { reload, restart, dryRun }: { reload: boolean; restart: boolean; dryRun: boolean },
): Promise<PlacedService[]> {
  const manager = serviceManager(init);
  const names = HOMES[init].services.map(({ name }) => name);
  if (!dryRun && (reload || await manager.isStale(names))) await manager.reload();
  const done: PlacedService[] = [];
  for (const { name, startsAtOnce } of HOMES[init].services) {
    const state = await manager.state(name);
    if (state === "disabled") {
      if (!dryRun) {
        if (startsAtOnce) await manager.start(name);
        await manager.enable(name);
      }
      done.push({ name, result: "enabled" });
      continue;
    }
    done.push({ name, result: state === "masked" ? state : "unchanged" });
    // the only one that never ends by itself
    if (restart && !dryRun && state === "enabled" && name.includes("-metrics")) {
      await manager.restart(name);
    }
  }
  return done;
}

/**
 * Services of those names, stopped and no longer started at boot, where they were.
 *
 * @throws {UpdateError} `slot` where the init says no.
 */
export async function takeDown(
  init: InitWithFiles,
  names: readonly string[],
  dryRun: boolean,
): Promise<PlacedService[]> {
  const manager = serviceManager(init);
  const done: PlacedService[] = [];
  for (const name of names) {
    if (await manager.state(name) !== "enabled") continue;
    if (!dryRun) await manager.disable(name);
    done.push({ name, result: "disabled" });
  }
  return done;
}
