import { assert, assertEquals } from "@std/assert";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, NODE_MEMORY } from "../../tasks/demo/round_trip.ts";
import { sha256OfFile } from "../../tasks/digest.ts";
import { readEspFile, writeDataFile, writeEspFile } from "../../tasks/offline.ts";
import { Vm } from "../../tasks/vm.ts";
import { provisionedDisk } from "./_provisioned.ts";

/** Seconds for anything to show on the serial line, on a machine ten times slower than this one. */
const LIMIT = { limitSeconds: 900 };
const PROMPT = { ...LIMIT, unfinished: true };

const MIB = 1 << 20;
/** Larger than the stick, so that the data partition has to grow. */
const DISK_BYTES = 600 * MIB;

const CLOUD_CONFIG = `#cloud-config
hostname: node-12
updates:
  server: http://10.0.2.2:9/stable
  channel: beta
`;

const ON_BOOT = `#!/bin/sh
echo "IS: $(hostname)"
echo "IS: $(df -m /mnt/data | awk 'END { print ($2 > 200) ? "grown" : $2 }')"
kubesolo-update status >/dev/null
echo "IS: status $?"
echo "IS: done"
poweroff
`;

/** Down, as terminals without arrow keys have it. */
const DOWN = "\x0e";

Deno.test("a stick installs itself onto the machine's disk, which then boots without it", async () => {
  await ensureInstalled(...demoNeeds(false));
  const directory = await Deno.makeTempDir({ prefix: "installer-" });
  try {
    const stick = await makeStick(directory);
    const [disk, small] = [`${directory}/disk.img`, `${directory}/small.img`];
    for (const [path, size] of [[disk, DISK_BYTES], [small, 64 * MIB]] as const) {
      await Deno.writeFile(path, new Uint8Array());
      await Deno.truncate(path, size);
    }
    const before = await sha256OfFile(stick);
    {
      await using vm = await start(stick, [
        ...drive(disk, "DISK-1", 16),
        ...drive(small, "SMALL-2", 17),
      ]);
      await chooseEntry(vm, 4);
      await vm.waitFor(/KSOLO-GRUB boot slot=A why=manual/, LIMIT);
      await answer(vm, /press Enter to install it from here/, "");
      await answer(vm, /Name of the disk/, "");
      await vm.waitFor(/no name of one; nothing was written/, LIMIT);
      await answer(vm, /press Enter to install it from here/, "");
      await answer(vm, /Name of the disk/, "vda");
      await vm.waitFor(/^vda: this machine was started from it; .* Nothing was written/, LIMIT);
      await answer(vm, /Name of the disk/, "/dev/vdc");
      await vm.waitFor(/^vdc: it has 64 MiB; use one with at least/, LIMIT);
      await answer(vm, /Name of the disk/, "sdz");
      await vm.waitFor(/^"sdz" is none of them/, LIMIT);
      await answer(vm, /Name of the disk/, "vdb");
      await vm.waitFor(/^Everything on vdb, 600 MiB, serial number DISK-1 will be lost/, LIMIT);
      await answer(vm, /Type vdb once more/, "yes");
      await vm.waitFor(/^That is another name: nothing was written/, LIMIT);
      assertEquals(await isBlank(disk), true);
      await answer(vm, /Name of the disk/, "vdb");
      await answer(vm, /Type vdb once more/, "vdb");
      await vm.waitFor(/^vdb, 600 MiB.* has everything, read back and the same/, LIMIT);
      await vm.waitFor(/^Take the stick \(\/dev\/vda\) out, then press Enter/, LIMIT);
      await vm.waitFor(/KSOLO-INIT: install exit=0/, LIMIT);
      await vm.send("\r");
      assertEquals((await vm.exited).reason, "reset");
    }
    assertEquals(await sha256OfFile(stick), before, "nothing was written to the stick");

    await using vm = await start(disk, []);
    await chooseEntry(vm, 0);
    await vm.waitFor(/KSOLO-GRUB boot slot=A why=normal/, LIMIT);
    await vm.waitFor(/KSOLO-INIT: data \/dev\/vda4/, LIMIT);
    await vm.waitFor(/KSOLO-INIT: cloud-init applied/, LIMIT);
    await vm.waitFor(/KSOLO-INIT: healthy/, LIMIT);
    await vm.waitFor(/IS: done/, LIMIT);
    assertEquals((await vm.exited).reason, "shutdown");
    const is = vm.lines.flatMap(({ text }) => /^IS: (.*)/.exec(text)?.[1] ?? []);
    assertEquals(is, ["node-12", "grown", "status 0", "done"]);
    assert(!vm.lines.some(({ text }) => /KSOLO-INIT: .*(?:FAILED|MISSING)/.test(text)));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** A stick with a node's documents, whose menu waits for the slowest operator. */
async function makeStick(directory: string): Promise<string> {
  const output = await provisionedDisk(directory, { onBoot: ON_BOOT, cloudConfig: CLOUD_CONFIG });
  // of a life as a node, which is not the new one's
  const lived = new TextEncoder().encode("what the stick lived through");
  await writeDataFile(output, "kubesolo/update/state.json", lived);
  const cfg = new TextDecoder().decode(await readEspFile(output, "grub/grub.cfg"));
  const patient = cfg.replace("set timeout=1\n", "set timeout=900\n");
  assert(patient !== cfg);
  await writeEspFile(output, "grub/grub.cfg", new TextEncoder().encode(patient));
  return output;
}

/** One more disk, behind the stick in the eyes of firmware and kernel. */
function drive(file: string, serial: string, slot: number): string[] {
  const id = serial.toLowerCase();
  return [
    ...["-drive", `if=none,id=${id},format=raw,cache=unsafe,file=${file}`],
    ...["-device", `virtio-blk-pci,drive=${id},serial=${serial},addr=${slot}`],
  ];
}

function start(disk: string, more: readonly string[]): Promise<Vm> {
  return Vm.start({ disk, memory: NODE_MEMORY, network: true, noReboot: true, more });
}

/** What an operator does on the serial line while GRUB counts down. */
async function chooseEntry(vm: Vm, number: number): Promise<void> {
  await vm.waitFor(/\b[89]\d\d\b/, PROMPT);
  await vm.send("\x1b");
  await vm.waitFor(/Install KubeSolo OS onto this machine's disk/, PROMPT);
  await vm.send(`${DOWN.repeat(number)}\r`);
}

async function answer(vm: Vm, question: RegExp, line: string): Promise<void> {
  await vm.waitFor(question, PROMPT);
  await vm.send(`${line}\r`);
}

async function isBlank(path: string): Promise<boolean> {
  return (await Deno.stat(path)).blocks === 0;
}
