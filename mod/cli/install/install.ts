/**
 * `install`: one file that was copied to a node becomes its agent.
 *
 * @module
 */

import { type DenoDisk, type InitName, withOwnExecutable } from "../../host/mod.ts";
import { DEFAULT_CONF } from "../conf_file.ts";
import { type Given, readSettings } from "../read_settings.ts";
import { subjectOf } from "../settings.ts";
import { choosePrefix, refuseSecond } from "./executable.ts";
import { executableBelow } from "./prefixes.ts";
import { asInstaller, chooseInit } from "./installer.ts";
import { type PlacedExecutable, planExecutable } from "./plan_executable.ts";
import { planUnit } from "./plan_units.ts";
import { bringUp, type PlacedService, renew } from "./services.ts";
import { planSettings } from "./settings_file.ts";
import type { Placed, Step } from "./step.ts";
import { type InitWithFiles, unitFiles } from "./unit_files.ts";

/** What is to be installed, and how. */
export interface InstallWish {
  /** The init; undefined: found out. */
  readonly init?: InitName;
  /** Where the executable goes; undefined: {@linkcode choosePrefix}. */
  readonly prefix?: string;
  /** Settings for update.conf. */
  readonly given: readonly Given[];
  /** Only say what would be done. */
  readonly dryRun: boolean;
  /** Replace also what somebody has changed, and what is newer. */
  readonly force: boolean;
}

/** What `install` did, or would do. */
export interface Installed {
  /** The init. */
  readonly init: InitName;
  /** How that is known. */
  readonly because: string;
  /** Nothing was changed. */
  readonly dryRun: boolean;
  /** The executable; absent where the system brings it. */
  readonly executable?: PlacedExecutable;
  /** Executables below the other prefixes; absent where there are none, or nothing is done about them. */
  readonly others?: readonly PlacedExecutable[];
  /** Files for the init. */
  readonly units: readonly Placed[];
  /** update.conf; absent where nothing is done about it. */
  readonly settings?: Placed;
  /** What is started at each boot. */
  readonly services: readonly PlacedService[];
  /** What remains to be done by people, one line each. */
  readonly next: readonly string[];
}

/**
 * Puts executable, units and settings in place; done again, it changes nothing. Each file is replaced
 * in one step, the executable first, so that after a power cut running it again ends well.
 *
 * @throws {UpdateError} `refused` where it is not root, or a newer agent is there, or one
 * below another prefix, or something that is no agent; `usage` where no init
 * can be told or a setting is no good; `slot` where something cannot be written.
 */
export async function install(wish: InstallWish): Promise<Installed> {
  return await asInstaller(async (disk) => {
    const { init, because } = await chooseInit(disk, wish.init);
    const settings = await planSettings(disk, wish.given, wish.force);
    if (init === "kubesolo") {
      if (!wish.dryRun) await settings.perform?.();
      const next = await nextSteps(disk, wish, [settings], ON_KUBESOLO);
      return outcome({ units: [], services: [], settings: settings.placed, next });
    }
    const prefix = wish.prefix ?? await choosePrefix();
    await refuseSecond(prefix, wish.force);
    const path = executableBelow(prefix);
    return await withOwnExecutable(async (from) => {
      const executable = await planExecutable(from, path, wish.force);
      const files = await unitFiles(init, path);
      const units = await Promise.all(files.map((file) => planUnit(file, path, wish.force)));
      const steps = [executable, ...units, settings];
      if (!wish.dryRun) await performAll(init, steps);
      const services = await bringUp(init, wish.dryRun);
      return outcome({
        executable: executable.placed,
        units: units.map(({ placed }) => placed),
        settings: settings.placed,
        services,
        next: await nextSteps(disk, wish, steps, init === "openrc" ? ON_OPENRC : []),
      });
    });

    function outcome(rest: Omit<Installed, "init" | "because" | "dryRun">): Installed {
      return { init, because, dryRun: wish.dryRun, ...rest };
    }
  });
}

async function performAll(init: InitWithFiles, steps: readonly Step[]): Promise<void> {
  if (!steps.some(({ perform }) => perform)) return;
  try {
    for (const step of steps) await step.perform?.();
  } catch (error) {
    // the next run finds in place what was placed, and would let the old one run on
    await renew(init).catch(() => {});
    throw error;
  }
  await renew(init);
}

const ON_OPENRC = [
  "this boot is judged with `rc-service kubesolo-update-healthcheck start`; every later one by itself",
];

const ON_KUBESOLO = [
  "nothing else: KubeSolo's init makes the agent's view, reads the cloud-config and judges each boot",
  "the agent is part of the system: a newer one comes with the next release",
  "that updates are asked for is up to you: a CronJob (deploy/kubernetes), or `kubesolo-update apply" +
  " --reboot` in /etc/kubesolo/on-boot",
];

async function nextSteps(
  disk: DenoDisk,
  { given, dryRun }: InstallWish,
  steps: readonly Step[],
  special: readonly string[],
): Promise<string[]> {
  const settings = await readSettings(disk, {});
  const server = settings.given("server") ??
    (dryRun ? given.find(({ name }) => subjectOf(name) === "server") : undefined);
  return [
    ...steps.flatMap(({ advice }) => advice ?? []),
    ...server ? [] : [`name the update server: server=… in ${DEFAULT_CONF}`],
    ...special,
  ];
}
