import { assert, assertEquals } from "@std/assert";
import { compileAgent } from "../../tasks/compile.ts";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, NODE_MEMORY } from "../../tasks/demo/round_trip.ts";
import { makeNodeDisk, makeReleases, serveReleases } from "../../tasks/demo/site.ts";
import { Vm } from "../../tasks/vm.ts";

/** Seconds for anything to show on the serial line, on a machine ten times slower than this one. */
const LIMIT = { limitSeconds: 900 };

/** Where the power goes, in the order in which an update comes by: behind the last of these lines. */
const MOMENTS: readonly (readonly [name: string, ...markers: RegExp[]])[] = [
  ["when the download begins", /checking → downloading/],
  ["early in the download", /fetching kubesolo-os\.gz .* (2\d|3\d) %/],
  ["late in the download", /fetching kubesolo-os\.gz .* (7\d|8\d|9\d) %/],
  ["while the kernel is read back", /reading back vmlinuz /],
  ["while the initramfs is read back", /reading back kubesolo-os\.gz .* (4\d|5\d|6\d) %/],
  ["when it is staged", /downloading → staged/],
  ["while activate reads the slot", /activate: begins/, /reading back kubesolo-os\.gz/],
  ["when it is activated", /staged → activated/],
  ["when GRUB has counted the attempt", /KSOLO-GRUB saved active_slot=B boot_counter=2/],
  ["while its health is checked", /activated → verifying/],
];

/** Takes what there is once, and shows when activate begins. */
const ON_BOOT = `#!/bin/sh
kubesolo-update apply && echo "activate: begins" && kubesolo-update activate --reboot && sleep 600
echo "ON-BOOT: done"
`;

Deno.test("the power goes ten times, and each time a complete slot boots", async () => {
  await ensureInstalled(...demoNeeds(true));
  const directory = await Deno.makeTempDir({ prefix: "power-cut-" });
  try {
    const releases = `${directory}/releases`;
    const disk = `${directory}/node.img`;
    await makeReleases(releases, await compileAgent("x86_64"), [
      { version: "1.0.0" },
      { version: "2.0.0" },
    ]);
    await using server = await serveReleases(releases);
    await server.publish("2.0.0");
    await makeNodeDisk({ output: disk, releases, version: "1.0.0", server, onBoot: ON_BOOT });

    const boots: string[] = [];
    for (const [name, ...markers] of MOMENTS) {
      await using vm = await startNode(disk);
      for (const marker of markers) await vm.waitFor(marker, LIMIT);
      await vm.kill();
      boots.push(bootOf(vm));
      console.log(`  cut ${name}: ${boots.at(-1)}`);
    }
    await using vm = await startNode(disk);
    await vm.waitFor(/KSOLO-INIT: healthy/, LIMIT);
    await vm.waitFor(/ON-BOOT: done/, LIMIT);
    boots.push(bootOf(vm));
    assert(vm.lines.some(({ text }) => /verifying → success/.test(text)));
    assert(vm.lines.some(({ text }) => /up to date: 2\.0\.0/.test(text)));

    const before = Array(8).fill("A normal");
    assertEquals(boots, [...before, "B trial", "B trial", "B trial"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function startNode(disk: string): Promise<Vm> {
  return Vm.start({ disk, uefi: true, memory: NODE_MEMORY, network: true, noReboot: true });
}

/** What GRUB started; a slot that is not complete would have shown as `cannot be started`. */
function bootOf(vm: Vm): string {
  const text = vm.lines.map(({ text }) => text).join("\n");
  assert(!/cannot be started/.test(text), text);
  const booted = /KSOLO-GRUB boot slot=([AB]) why=(\w+)/.exec(text);
  // cut right after GRUB counted the attempt, before it said what it starts
  return booted ? `${booted[1]} ${booted[2]}` : "B trial";
}
