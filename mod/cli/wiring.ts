/**
 * Puts the rooms together: which disk, which source, which checks.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { GrubBootEnv, GrubEditenv, type GrubPlace } from "../boot/mod.ts";
import {
  type BootEnv,
  type Disk,
  type HealthCheck,
  type HealthcheckPolicy,
  LABELS,
  type Mounts,
  type Node,
  type Policy,
  quietly,
  type Reporter,
  type SlotStore,
  type Trust,
  UpdateError,
  type UpdateSource,
} from "../core/mod.ts";
import {
  DenoDisk,
  ensureView,
  FileStateStore,
  HOST_VIEW,
  readBoot,
  UpdateLock,
} from "../host/mod.ts";
import { CommandMounts, DevicePartitions, PartitionSlotStore } from "../slots/mod.ts";
import { BUILT_AT, scopedPath } from "./scope.ts";
import { FleetReporter } from "./fleet_reporter.ts";
import { readSettings, type SettingFlags } from "./read_settings.ts";
import { isOmaha, openSource, sourceTls } from "./source.ts";

/** Where slots and the ESP are mounted while the agent works in them. */
export const MOUNT_DIRECTORY = "/run/kubesolo-update/mnt";

/** Where grub-editenv makes new environment blocks. */
export const SCRATCH_DIRECTORY = "/run/kubesolo-update/scratch";

/** Seconds that a command waits for another one's lock: enough for a `status`, not for an `apply`. */
export const LOCK_PATIENCE_SECONDS = 5;

const LOCK_POLL_MILLISECONDS = 100;
const GRUB_DIRECTORY = "grub";

/** The flags that say where things are. */
export interface PlaceFlags extends SettingFlags {
  readonly disk?: string;
  readonly grubenv?: string;
  readonly state: string;
  readonly force?: boolean;
  readonly offlineTime?: Date;
  readonly from?: string;
  readonly plainHttp?: boolean;
  readonly stallTimeout?: number;
  readonly timeout?: number;
  readonly deadline?: number;
  readonly jitter?: number;
}

/** What a command works with. */
export interface Context {
  readonly node: Node;
  /** Whom the settings say to believe; undefined where no key is configured. */
  trust(): Promise<Trust | undefined>;
  /** What the settings want of updates. */
  policy(): Promise<Policy>;
  /** The source that flags or settings name. */
  source(): Promise<UpdateSource>;
  /** The health checks that the settings ask for. */
  healthChecks(): Promise<readonly HealthCheck[]>;
  /** How health is judged. */
  healthPolicy(): HealthcheckPolicy;
  /** Resolves when a fleet's server, where there is one, was told what happened; it has not long for it. */
  end(error?: unknown): Promise<void>;
}

/** Runs `body` while no other agent works on this node. */
export async function locked(
  command: string,
  flags: PlaceFlags,
  reporter: Reporter,
  body: (context: Context) => Promise<void>,
): Promise<void> {
  const places = await checkPlaces(flags);
  using _lock = await acquire(command, dirname(places.state), LOCK_PATIENCE_SECONDS);
  await using held = new AsyncDisposableStack();
  const context = await open(command, flags, places, reporter, held);
  try {
    await body(context);
  } catch (error) {
    await context.end(error);
    throw error;
  }
  await context.end();
}

/** Runs `body` also where the lock cannot be had; `holder` says which agent works, if one does. */
export async function peek(
  command: string,
  flags: PlaceFlags,
  reporter: Reporter,
  body: (context: Context, holder?: string) => Promise<void>,
): Promise<void> {
  const places = await checkPlaces(flags);
  let lock: Disposable | undefined;
  let holder: string | undefined;
  try {
    lock = await acquire(command, dirname(places.state), 1);
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    // a node whose data partition is read-only is the one that people want to look at
    if (error.code === "refused") holder = error.found;
    else reporter.report({ kind: "warning", message: error.message });
  }
  try {
    await using held = new AsyncDisposableStack();
    await body(await open(command, flags, places, reporter, held), holder);
  } finally {
    lock?.[Symbol.dispose]();
  }
}

interface Places {
  readonly state: string;
  readonly conf?: string;
  readonly grubenv?: string;
}

async function checkPlaces({ state, conf, grubenv }: PlaceFlags): Promise<Places> {
  return {
    state: await scopedPath("--state", state, "write"),
    conf: conf === undefined ? undefined : await scopedPath("--conf", conf, "read"),
    grubenv: grubenv === undefined ? undefined : await scopedPath("--grubenv", grubenv, "write"),
  };
}

async function acquire(command: string, directory: string, seconds: number): Promise<Disposable> {
  const lock = new UpdateLock(directory);
  const deadline = performance.now() + seconds * 1000;
  while (true) {
    try {
      return await lock.acquire(command);
    } catch (error) {
      const busy = error instanceof UpdateError && error.code === "refused";
      if (!busy || performance.now() > deadline) throw error;
      await sleep(LOCK_POLL_MILLISECONDS);
    }
  }
}

/** Everything of a node but its boot; nothing is touched before a method is called. */
export interface Parts {
  readonly disk: Disk;
  readonly partitions: DevicePartitions;
  /** Where GRUB's files are. */
  readonly grub: GrubPlace;
  readonly mounts: Mounts;
  readonly slots: SlotStore;
  readonly bootEnv: BootEnv;
  readonly states: FileStateStore;
}

/** The parts of the node that flags name, for who only watches and takes no lock. */
export async function watchParts(flags: PlaceFlags, reporter: Reporter): Promise<Parts> {
  return partsOf(new DenoDisk(), flags, await checkPlaces(flags), quietly(reporter));
}

function partsOf(
  disk: Disk,
  { disk: device }: PlaceFlags,
  places: Places,
  reporter: Reporter,
): Parts {
  const partitions = new DevicePartitions({ view: HOST_VIEW, disk: device });
  const mounts = new CommandMounts({ view: HOST_VIEW, directory: MOUNT_DIRECTORY });
  const grub: GrubPlace = places.grubenv === undefined
    ? (access, body) =>
      partitions.find(LABELS.efi).then((esp) =>
        mounts.using(esp, access, (directory) => body(`${directory}/${GRUB_DIRECTORY}`))
      )
    : besideFile(places.grubenv);
  const editor = new GrubEditenv({ scratch: SCRATCH_DIRECTORY });
  const workDirectory = dirname(places.state);
  return {
    disk,
    partitions,
    mounts,
    grub,
    slots: new PartitionSlotStore({ disk, partitions, mounts, reporter, workDirectory }),
    bootEnv: new GrubBootEnv({ disk, place: grub, editor }),
    states: new FileStateStore(disk, places.state),
  };
}

async function open(
  command: string,
  flags: PlaceFlags,
  places: Places,
  reporter: Reporter,
  held: AsyncDisposableStack,
): Promise<Context> {
  const disk = new DenoDisk();
  const settings = await readSettings(disk, { ...flags, conf: places.conf });
  await ensureView();
  const stallSeconds = flags.stallTimeout ?? 30;
  const omaha = once(async () => {
    const { openOmaha } = await import("./omaha.ts");
    return await openOmaha({
      settings,
      disk,
      workDirectory: dirname(places.state),
      reporter: quiet,
      headersSeconds: stallSeconds,
      tls: await sourceTls(settings, disk),
      unattended: flags.jitter !== undefined || Deno.env.has("JOURNAL_STREAM"),
      node: () => node,
    });
  });
  const teller = once(async () => {
    const { omahaTeller } = await import("./omaha.ts");
    return omahaTeller(await omaha());
  });
  const fleet = isOmaha(settings, flags.from) ? new FleetReporter(reporter, teller) : undefined;
  const quiet = quietly(fleet ?? reporter);
  const { mounts, slots, bootEnv, states } = partsOf(disk, flags, places, quiet);
  const node: Node = {
    slots,
    bootEnv,
    states,
    boot: await readBoot(disk),
    reporter: quiet,
    architecture: Deno.build.arch,
    builtAt: BUILT_AT,
    now: () => new Date(),
    sleep,
  };
  const trust = once(async () => {
    const { openTrust } = await import("./trust.ts");
    return await openTrust(settings, {
      disk,
      state: places.state,
      mayWrite: command !== "check",
      reporter: quiet,
    });
  });
  return {
    node,
    trust,
    policy: async () => ({
      channel: settings.get("channel"),
      window: settings.get("maintenanceWindow"),
      label: async () => {
        const { askLabel } = await import("./cluster.ts");
        return await askLabel({ settings, disk, bootId: node.boot.id }, quiet);
      },
      trust: await trust(),
      force: flags.force ?? false,
      offlineTime: flags.offlineTime,
      stallSeconds,
    }),
    source: async () =>
      await openSource(settings, {
        disk,
        stallSeconds,
        plainHttp: flags.plainHttp ?? false,
        from: flags.from,
        mounts,
        held,
        reporter: quiet,
        trust: await trust(),
        omaha: async () => {
          const { omahaSource } = await import("./omaha.ts");
          return omahaSource(await omaha(), quiet, await trust());
        },
      }),
    healthChecks: async () => {
      const { chooseHealthChecks } = await import("./health_checks.ts");
      return await chooseHealthChecks({
        settings,
        disk,
        workDirectory: dirname(places.state),
        bootId: node.boot.id,
        reporter: quiet,
      });
    },
    healthPolicy: () => ({
      timeoutSeconds: flags.timeout ?? 30,
      deadlineSeconds: flags.deadline ?? settings.get("healthDeadline"),
      autoRollbackAfter: settings.get("autoRollbackAfter"),
    }),
    end: async (error) => await fleet?.end(error),
  };
}

function besideFile(grubenv: string): GrubPlace {
  if (basename(grubenv) !== "grubenv") {
    throw new UpdateError("usage", {
      operation: "reading --grubenv",
      found: `a file called ${basename(grubenv)}`,
      advice: "GRUB reads grubenv and grubenv.bak: name a file called grubenv",
    });
  }
  return (_access, body) => body(dirname(grubenv));
}

/** What `make` makes, made when it is first wanted. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
