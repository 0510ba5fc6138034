import { assert, assertEquals } from "@std/assert";
import { createBlock, editBlock } from "../../mod/boot/mod.ts";
import { compileAgent } from "../../tasks/compile.ts";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, NODE_MEMORY } from "../../tasks/demo/round_trip.ts";
import { makeNodeDisk, makeReleases, serveReleases } from "../../tasks/demo/site.ts";
import { readEspFile, writeEspFile } from "../../tasks/offline.ts";
import { makeRelease } from "../../tasks/release.ts";
import { ROOT } from "../../tasks/sources.ts";
import { Vm } from "../../tasks/vm.ts";

/** Seconds for anything to show on the serial line, on a machine ten times slower than this one. */
const LIMIT = { limitSeconds: 600 };

/** Seconds that a hanging init is given: nothing in it has to be done in time. */
const SHORT_WATCHDOG_SECONDS = 5;

/** Takes what there is, and asks for the reboot as a pod does; with nothing to take, the node is done. */
const ON_BOOT = `#!/bin/sh
echo "ON-BOOT: watchdog $(cat /sys/class/watchdog/watchdog0/state)"
kubesolo-update apply --activate
code=$?
if [ $code -eq 0 ]; then
  echo >/run/kubesolo-update/requests/reboot
  exit
fi
echo "ON-BOOT: apply exit=$code"
poweroff
`;

Deno.test("a version whose init hangs costs three boots, and nobody has to come", async () => {
  await ensureInstalled(...demoNeeds(false));
  const directory = await Deno.makeTempDir({ prefix: "watchdog-" });
  try {
    const releases = `${directory}/releases`;
    const disk = `${directory}/node.img`;
    await makeReleases(releases, await compileAgent("x86_64"), [{ version: "1.0.0" }]);
    await makeHangingRelease(`${releases}/2.0.0`, `${directory}/overlay`);
    await using server = await serveReleases(releases);
    await server.publish("2.0.0");
    await makeNodeDisk({ output: disk, releases, version: "1.0.0", server, onBoot: ON_BOOT });

    const boots: string[] = [];
    await tryFirst(disk);
    {
      await using vm = await startNode(disk);
      await vm.waitFor(/KSOLO-INIT: watchdog Software Watchdog, 120 s/, LIMIT);
      await vm.waitFor(/KSOLO-INIT: healthy/, LIMIT);
      await vm.waitFor(/ON-BOOT: watchdog inactive/, LIMIT);
      await vm.waitFor(/staged → activated/, LIMIT);
      await vm.waitFor(/KSOLO-INIT: reboot requested/, LIMIT);
      assertEquals((await vm.exited).reason, "reset");
      boots.push(bootOf(vm));
    }
    await shortenWatchdog(disk);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await using vm = await startNode(disk);
      await vm.waitFor(/KSOLO-INIT: hanging/, LIMIT);
      await vm.waitFor(/softdog: Initiating system reboot/, LIMIT);
      assertEquals((await vm.exited).reason, "reset");
      boots.push(bootOf(vm));
    }
    await using vm = await startNode(disk);
    await vm.waitFor(/2\.0\.0 rolled back after 3 boots/, LIMIT);
    await vm.waitFor(/KSOLO-INIT: healthy/, LIMIT);
    assert(!vm.lines.some(({ text }) => /KSOLO-INIT: watchdog/.test(text)), "it is not on trial");
    await vm.waitFor(/ON-BOOT: apply exit=20/, LIMIT);
    assertEquals((await vm.exited).reason, "shutdown");
    boots.push(bootOf(vm));
    assertEquals(boots, ["A trial", "B trial", "B trial", "B trial", "A rollback"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** A release whose init stops for ever as soon as the watchdog is armed. It never comes to its agent. */
async function makeHangingRelease(directory: string, overlay: string): Promise<void> {
  const init = await Deno.readTextFile(`${ROOT}/deploy/init/init`);
  const hanging = init.replace(
    /^arm_watchdogs$/m,
    "$&\nsay hanging\nwhile :; do sleep 1000; done",
  );
  assert(hanging !== init);
  await Deno.mkdir(overlay);
  await Deno.writeTextFile(`${overlay}/init`, hanging, { mode: 0o755 });
  await makeRelease({ version: "2.0.0", agent: "/usr/bin/env", overlays: [overlay], directory });
}

/** Slot A is on trial, as after an update. */
async function tryFirst(disk: string): Promise<void> {
  const block = editBlock(createBlock(), {
    active_slot: "A",
    boot_counter: "3",
    boot_success: "0",
  });
  for (const copy of ["grubenv", "grubenv.bak"]) await writeEspFile(disk, `grub/${copy}`, block);
}

async function shortenWatchdog(disk: string): Promise<void> {
  const before = new TextDecoder().decode(await readEspFile(disk, "grub/grub.cfg"));
  const after = before.replaceAll("panic=5", `panic=5 ksolo.watchdog=${SHORT_WATCHDOG_SECONDS}`);
  assert(after !== before);
  await writeEspFile(disk, "grub/grub.cfg", new TextEncoder().encode(after));
}

function startNode(disk: string): Promise<Vm> {
  return Vm.start({ disk, memory: NODE_MEMORY, network: true, noReboot: true });
}

/** What GRUB started, and why. */
function bootOf(vm: Vm): string {
  const text = vm.lines.map(({ text }) => text).join("\n");
  const booted = /KSOLO-GRUB boot slot=([AB]) why=(\w+)/.exec(text);
  return `${booted?.[1]} ${booted?.[2]}`;
}
