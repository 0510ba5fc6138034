/**
 * Puts the rooms together for a command: which node, which source, which checks.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { dirname } from "@std/path";
import {
  type HealthCheck,
  type HealthcheckPolicy,
  type Node,
  type Policy,
  quietly,
  type Reporter,
  type Trust,
  type UpdateSource,
} from "../core/mod.ts";
import { DenoDisk, ensureView, readBoot } from "../host/mod.ts";
import { FleetReporter } from "./fleet_reporter.ts";
import { partsOf, type PlaceFlags, type Places } from "./node_parts.ts";
import { once } from "./once.ts";
import { readSettings } from "./read_settings.ts";
import { BUILT_AT } from "./scope.ts";
import { isOmaha, openSource, sourceTls } from "./source.ts";

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

/** What the flags and the settings ask for; `held` ends what is held meanwhile. */
export async function openContext(
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
    sleep: (milliseconds) => setTimeout(milliseconds),
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
