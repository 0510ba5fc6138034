/**
 * `install --uninstall`: what `install` has put in place is taken away again.
 *
 * @module
 */

import { basename } from "@std/path";
import { UpdateError } from "../../core/mod.ts";
import { UpdateLock } from "../../host/mod.ts";
import { STATE_DIRECTORY } from "../options.ts";
import { choosePrefix } from "./executable.ts";
import { executableBelow, PREFIXES } from "./prefixes.ts";
import type { Installed, InstallWish } from "./install.ts";
import { asInstaller, chooseInit } from "./installer.ts";
import { planExecutableRemoval } from "./plan_executable.ts";
import { planRemoval } from "./plan_units.ts";
import { serviceManager, takeDown } from "./services.ts";
import { type UnitFile, unitFiles } from "./unit_files.ts";

/**
 * Stops the services, and removes units and executables below every prefix; settings and state stay. Done again, or on a
 * node without them, it changes nothing.
 *
 * @throws {UpdateError} `refused` where it is not root, or an agent works; `slot` where something cannot
 * be removed.
 */
export async function uninstall(wish: Omit<InstallWish, "given">): Promise<Installed> {
  const { dryRun, force } = wish;
  return await asInstaller(async (disk) => {
    const { init, because } = await chooseInit(disk, wish.init);
    if (init === "kubesolo") {
      const next = ["nothing to remove: the agent is part of the system"];
      return { init, because, dryRun, units: [], services: [], next };
    }
    await refuseWhileWorking();
    const path = executableBelow(await choosePrefix());
    const files = await unitFiles(init, path);
    const steps = await Promise.all(files.map((file) => planRemoval(file, path, force)));
    const present = files.filter((_, index) => steps[index]);
    const executables = (await Promise.all(
      PREFIXES.map((prefix) => planExecutableRemoval(executableBelow(prefix), force)),
    )).filter((step) => step !== undefined);
    const services = await takeDown(init, present.map(nameOf), dryRun);
    const removals = steps.filter((step) => step !== undefined);
    if (!dryRun) {
      for (const step of [...removals, ...executables]) await step.perform?.();
      if (removals.length > 0) await serviceManager(init).reload();
    }
    const [executable, ...others] = executables.map(({ placed }) => placed);
    return {
      init,
      because,
      dryRun,
      executable,
      others: others.length > 0 ? others : undefined,
      units: removals.map(({ placed }) => placed),
      services,
      next: [
        ...[...removals, ...executables].flatMap(({ advice }) => advice ?? []),
        `/etc/kubesolo and ${STATE_DIRECTORY} stay: remove them by hand`,
      ],
    };
  });
}

function nameOf({ path }: UnitFile): string {
  return basename(path);
}

async function refuseWhileWorking(): Promise<void> {
  const holder = await new UpdateLock(STATE_DIRECTORY).holder();
  if (!holder) return;
  throw new UpdateError("refused", {
    operation: "removing the agent",
    found: holder,
    advice: "nothing was touched; wait until it has ended",
  });
}
