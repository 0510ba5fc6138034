/**
 * `install`: one file that was copied to a node becomes its agent.
 *
 * @module
 */

import { UpdateError } from "../../core/mod.ts";
import {
  DenoDisk,
  detectInit,
  ensureView,
  type InitName,
  isRoot,
  OpenRc,
  type ServiceManager,
  Systemd,
  UpdateLock,
  withOwnExecutable,
} from "../../host/mod.ts";
import { DEFAULT_CONF } from "../conf_file.ts";
import { type Given, readSettings } from "../read_settings.ts";
import { subjectOf } from "../settings.ts";
import { choosePrefix, executableBelow } from "./executable.ts";
import { type PlacedExecutable, planExecutable, planUnit } from "./plan_files.ts";
import { planSettings } from "./settings_file.ts";
import type { Placed, Step } from "./step.ts";
import { HOMES, type InitWithFiles, unitFiles } from "./unit_files.ts";

/** Who installs holds the lock in this directory. */
const LOCK_DIRECTORY = "/run/kubesolo-update/install";

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

/** What became of a service. `masked`: somebody forbade it, and so it stays. */
export interface PlacedService {
  /** As its init calls it. */
  readonly name: string;
  /** What became of it. */
  readonly result: "enabled" | "unchanged" | "masked" | "disabled";
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
  /** Files for the init. */
  readonly units: readonly Placed[];
  /** update.conf. */
  readonly settings: Placed;
  /** What is started at each boot. */
  readonly services: readonly PlacedService[];
  /** What remains to be done by people, one line each. */
  readonly next: readonly string[];
}

/**
 * Puts executable, units and settings in place; done again, it changes nothing. Each file is replaced
 * in one step, the executable first, so that after a power cut running it again ends well.
 *
 * @throws {UpdateError} `refused` where it is not root, or a newer agent is there; `usage` where no init
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
    const path = executableBelow(wish.prefix ?? await choosePrefix());
    return await withOwnExecutable(async (from) => {
      const executable = await planExecutable(from, path, wish.force);
      const files = await unitFiles(init, path);
      const units = await Promise.all(files.map((file) => planUnit(file, path, wish.force)));
      const steps = [executable, ...units, settings];
      if (!wish.dryRun) { for (const step of steps) await step.perform?.(); }
      const services = await bringUp(init, {
        reload: units.some(({ perform }) => perform),
        restart: executable.placed.result === "replaced",
        dryRun: wish.dryRun,
      });
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

/** Runs `body` as root, while nobody else installs. */
export async function asInstaller<T>(body: (disk: DenoDisk) => Promise<T>): Promise<T> {
  if (!Deno.build.standalone) {
    throw new UpdateError("usage", {
      operation: "installing this executable",
      found: `it is ${Deno.execPath()}, which runs the sources`,
      advice: "compile the agent with `deno task compile`, and run that",
    });
  }
  const disk = new DenoDisk();
  await ensureView();
  if (!await isRoot(disk)) {
    throw new UpdateError("refused", {
      operation: "installing this executable",
      found: "somebody else than root runs it",
      advice: "nothing was touched; run it as root",
    });
  }
  using _lock = await new UpdateLock(LOCK_DIRECTORY).acquire("install");
  return await body(disk);
}

/**
 * The init that was named, or the one that is there.
 *
 * @throws {UpdateError} `usage` where none was named and none is known.
 */
export async function chooseInit(disk: DenoDisk, named?: InitName) {
  if (named) return { init: named, because: "--init says so" };
  const found = await detectInit(disk);
  if (found) return found;
  throw new UpdateError("usage", {
    operation: "looking for the init of this node",
    found: "neither systemd nor OpenRC, and no slot on the kernel's command line",
    advice: "name it: --init systemd, openrc or kubesolo",
  });
}

/** Who starts services under `init`. */
export function serviceManager(init: InitWithFiles): ServiceManager {
  return init === "systemd" ? new Systemd() : new OpenRc();
}

/** Services started and enabled, in this order: one that was not enabled is looked at the next time. */
async function bringUp(
  init: InitWithFiles,
  { reload, restart, dryRun }: { reload: boolean; restart: boolean; dryRun: boolean },
): Promise<PlacedService[]> {
  const manager = serviceManager(init);
  if (reload && !dryRun) await manager.reload();
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
