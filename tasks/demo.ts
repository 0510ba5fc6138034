/**
 * `deno task demo`: one node updates itself, for everybody to see.
 *
 * @module
 */

import { bold, green } from "@std/fmt/colors";
import { oneTarget, taskOptions } from "./arguments.ts";
import { ensureInstalled, fileOf } from "./debian.ts";
import { demoNeeds, roundTrip } from "./demo/round_trip.ts";
import { main, say } from "./screen.ts";

const HELP = `deno task demo [--uefi] [--registry | --omaha] [--target x86_64|aarch64] [--json FILE]

Builds a node's disk and three releases, starts an update server, boots the node in
QEMU, and lets it update itself: to a good version, and back from a broken one.

  --uefi        start the node with UEFI firmware instead of BIOS
  --registry    serve the releases from a registry (docker-registry, started for this)
  --omaha       serve them with kubesolo-update serve, over Omaha
  --target ARCH a node of this architecture: x86_64, or aarch64 (UEFI; emulated, some ten minutes)
  --json FILE   write what happened: every boot, every change of phase, the end`;

await main(async () => {
  const values = taskOptions(HELP, {
    uefi: { type: "boolean", default: false },
    registry: { type: "boolean", default: false },
    omaha: { type: "boolean", default: false },
    target: { type: "string", default: "x86_64" },
    json: { type: "string" },
  });
  const architecture = oneTarget(values.target);
  const { uefi, registry, omaha } = values;
  if (registry && omaha) throw new Error("give --registry or --omaha");
  await ensureInstalled(
    ...demoNeeds(uefi, architecture),
    ...registry ? [fileOf("docker-registry", "/usr/bin/docker-registry")] : [],
  );
  const serve = registry
    ? (await import("./demo/registry_site.ts")).serveFromRegistry
    : omaha
    ? (await import("./demo/omaha_site.ts")).serveToFleet
    : undefined;
  const report = await roundTrip({ architecture, uefi, serve });
  if (values.json) await Deno.writeTextFile(values.json, `${JSON.stringify(report, null, 2)}\n`);

  say(`\n${bold("The end")}`);
  for (const { number, slot, why, version, seconds } of report.boots) {
    say(`    boot ${number}  slot ${slot}  ${why.padEnd(9)} ${version}  ${seconds} s`);
  }
  const { building, running } = report.seconds;
  if (!report.passed) throw new Error(`it did not go as it should:\n${report.problems.join("\n")}`);
  say(
    green("\nThe node runs 2.0.0, survived 3.0.0, and will not take it again.") +
      ` Built in ${building} s, lived ${running} s.`,
  );
});
