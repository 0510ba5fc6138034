/**
 * A newcomer behind an air gap, with what was carried over, and the README: run where there is no network.
 * Its directory has the files that the README speaks of; a block of the README is run as it stands there.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { NODE_MEMORY } from "../../tasks/demo/round_trip.ts";
import { grubenvSummary, readDataFile } from "../../tasks/offline.ts";
import { run } from "../../tasks/run.ts";
import { Vm } from "../../tasks/vm.ts";

/** Seconds for anything to show on the serial line, on a machine ten times slower than this one. */
const LIMIT = { limitSeconds: 600 };

const [directory, commands] = Deno.args;
const disk = `${directory}/node.img`;

/** Boots the node with the medium in it until it shows `last`; the power is cut then. */
async function boot(last: RegExp): Promise<string> {
  const more = ["-drive", `if=virtio,format=raw,file=${directory}/updates.img`];
  await using vm = await Vm.start({ disk, memory: NODE_MEMORY, noReboot: true, more });
  await vm.waitFor(last, LIMIT);
  // its disk is whole once it is gone
  if (last.source.includes("reboot")) await vm.exited;
  return vm.lines.map(({ text }) => text).join("\n");
}

// there is none: not even this machine itself is reached
assertEquals(Deno.networkInterfaces(), []);
await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port: 9 }), Error, "unreachable");

await run("sh", ["-ec", commands], { cwd: directory });

const first = await boot(/KSOLO-INIT: reboot/);
assertStringIncludes(first, "start version=1.0.0 slot=A boot=normal");
assertStringIncludes(first, "KSOLO-INIT: cloud-init applied");
assertStringIncludes(first, "KSOLO-INIT: hostname shed");
assertStringIncludes(first, "KSOLO-INIT: network none");
assertStringIncludes(first, "staged → activated");
assertEquals(await grubenvSummary(disk), "B/3/0");
const conf = new TextDecoder().decode(await readDataFile(disk, "etc-kubesolo/update.conf"));
assert(/^pubkey=./m.test(conf), conf);

const tried = await boot(/KSOLO-INIT: idle/);
assertStringIncludes(tried, "start version=2.0.0 slot=B boot=trial");
assertStringIncludes(tried, "KSOLO-INIT: healthy");
assertStringIncludes(tried, "KSOLO-INIT: on-boot exit=0");
assertEquals(await grubenvSummary(disk), "B/3/1");
