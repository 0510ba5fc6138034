import { assert, assertEquals } from "@std/assert";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, NODE_MEMORY } from "../../tasks/demo/round_trip.ts";
import { makeFat, writeFat } from "../../tasks/fat.ts";
import { readDataFile, writeDataFile } from "../../tasks/offline.ts";
import { Vm } from "../../tasks/vm.ts";
import { osImage, provisionedDisk } from "./_provisioned.ts";

/** Seconds for anything to show on the serial line, on a machine ten times slower than this one. */
const LIMIT = { limitSeconds: 600 };

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKEaG9mPbWkDr0dZzS5R1pXHn6qvS2q8YJ9p1tZbQyXk anna";

const CLOUD_CONFIG = `#cloud-config
hostname: node-12.site.example
ssh_authorized_keys:
  - ${KEY}
updates:
  server: http://10.0.2.2:9/stable
  channel: beta
`;

/** The network that QEMU makes, as a static one. */
const NETWORK_CONFIG = `version: 2
ethernets:
  eth0:
    addresses: [10.0.2.77/24]
    gateway4: 10.0.2.2
    nameservers: {addresses: [10.0.2.3]}
`;

/** Tells what the node is, and switches it off. The first time it does what a person would. */
const ON_BOOT = `#!/bin/sh
echo "IS: hostname $(hostname)"
echo "IS: hosts $(grep -c "$(hostname)" /etc/hosts)"
echo "IS: address $(ip -4 -o addr show eth0 | awk '{ print $4 }')"
echo "IS: route $(ip route | grep default)"
echo "IS: resolv $(cat /etc/resolv.conf)"
echo "IS: keys $(stat -c %a /root/.ssh) $(stat -c %a /root/.ssh/authorized_keys)"
grep ^ssh- /root/.ssh/authorized_keys | sed 's/^/IS: key /'
kubesolo-update config | sed -n 's/^channel  */IS: channel /p'
if [ ! -e /etc/kubesolo/edited ]; then
  sed -i s/beta/lts/ /etc/kubesolo/update.conf
  touch /etc/kubesolo/edited
fi
poweroff
`;

Deno.test("a provisioned node is set up by its first boot, and only by that", async () => {
  await inDirectory(async (directory) => {
    const disk = await provisionedDisk(directory, {
      onBoot: ON_BOOT,
      cloudConfig: CLOUD_CONFIG,
      networkConfig: NETWORK_CONFIG,
    });
    const first = await boot(disk);
    assertEquals(first.said, ["cloud-init applied", "hostname node-12", "keys 1"]);
    assertEquals(first.is, [
      "hostname node-12",
      "hosts 1",
      "address 10.0.2.77/24",
      "route default via 10.0.2.2 dev eth0",
      "resolv nameserver 10.0.2.3",
      "keys 700 600",
      `key ${KEY}`,
      "channel beta /etc/kubesolo/update.conf:3",
    ]);

    const found = await boot(disk);
    assertEquals(found.said[0], "cloud-init found: applied in an earlier boot");
    const edited = first.is.map((line) => line.replace("beta", "lts"));
    assertEquals(found.is, edited, "all of it is there, and what a person changed as well");

    const replaced = CLOUD_CONFIG.replace("node-12", "node-13").replace("beta", "edge");
    const bytes = new TextEncoder().encode(replaced);
    await writeDataFile(disk, "etc-kubesolo/cloud-config.yaml", bytes);
    await writeDataFile(
      disk,
      "cloud/seed/nocloud/network-config",
      new TextEncoder().encode("version: 2\nethernets: {eth0: {dhcp4: true}}\n"),
    );
    const again = await boot(disk);
    assertEquals(again.said, ["cloud-init applied", "hostname node-13", "keys 1"]);
    assertEquals(again.is.slice(0, 3), ["hostname node-13", "hosts 1", "address 10.0.2.15/24"]);
    assertEquals(again.is.at(-1), "channel edge /etc/kubesolo/update.conf:3");
  });
});

Deno.test("a node without documents takes those of a medium called CIDATA, and keeps them", async () => {
  await inDirectory(async (directory) => {
    const disk = await osImage(directory, ON_BOOT);
    const image = `${directory}/stick.img`;
    const size = 34 << 20;
    await Deno.writeFile(image, new Uint8Array());
    await Deno.truncate(image, size);
    await makeFat({ image, offset: 0 }, { label: "CIDATA", serial: "12345678", size });
    for (const [name, text] of [["user-data", CLOUD_CONFIG], ["network-config", NETWORK_CONFIG]]) {
      await writeFat({ image, offset: 0 }, name, new TextEncoder().encode(text));
    }
    const { said, is } = await boot(disk, ["-drive", `if=virtio,format=raw,file=${image}`]);
    assertEquals(said, [
      "cloud-init user-data of /dev/vdb",
      "cloud-init network-config of /dev/vdb",
      "cloud-init applied",
      "hostname node-12",
      "keys 1",
    ]);
    assertEquals(is[2], "address 10.0.2.77/24");
    const kept = await readDataFile(disk, "cloud/seed/nocloud/user-data");
    assertEquals(new TextDecoder().decode(kept), CLOUD_CONFIG);
  });
});

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  await ensureInstalled(...demoNeeds(false));
  const directory = await Deno.makeTempDir({ prefix: "first-boot-" });
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** One boot until the node switches itself off: what the init said of its set-up, and what came of it. */
async function boot(disk: string, more: readonly string[] = []) {
  await using vm = await Vm.start({
    disk,
    memory: NODE_MEMORY,
    network: true,
    noReboot: true,
    more,
  });
  await vm.waitFor(/KSOLO-INIT: healthy/, LIMIT);
  await vm.waitFor(/IS: channel/, LIMIT);
  assertEquals((await vm.exited).reason, "shutdown");
  const lines = vm.lines.map(({ text }) => text);
  assert(!lines.some((text) => /KSOLO-INIT: .*FAILED/.test(text)), lines.join("\n"));
  return {
    said: lines.flatMap((text) =>
      /^KSOLO-INIT: ((?:cloud-init|hostname|keys) .*)/.exec(text)?.[1] ?? []
    ),
    is: lines.flatMap((text) => /^IS: (.*)/.exec(text)?.[1].replaceAll(/ +/g, " ").trim() ?? []),
  };
}
