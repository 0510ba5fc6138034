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
  dryRun: boolean,
): Promise<PlacedService[]> {
  const manager = serviceManager(init);
  const names = HOMES[init].services.map(({ name }) => name);
  if (!dryRun && await manager.isStale(names)) await manager.reload();
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
  }
  return done;
}

/**
 * After files were replaced: the init knows them, and what runs on runs the new ones.
 *
 * @throws {UpdateError} `slot` where the init says no.
 */
export async function renew(init: InitWithFiles): Promise<void> {
  const manager = serviceManager(init);
  await manager.reload();
  for (const { name } of HOMES[init].services) {
    // the only one that never ends by itself
    if (!name.includes("-metrics") || await manager.state(name) === "masked") continue;
    await manager.restart(name);
  }
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
    const state = await manager.state(name);
    if (state === "masked") continue;
    if (state === "enabled") done.push({ name, result: "disabled" });
    if (dryRun) continue;
    // it may run without being enabled
    await (state === "enabled" ? manager.disable(name) : manager.stop(name));
  }
  return done;
}
