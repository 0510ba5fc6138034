import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { SECTOR, TABLE_SECTORS } from "../../../mod/provision/mod.ts";
import { ensureInstalled } from "../../../tasks/debian.ts";
import { sha256OfFile } from "../../../tasks/digest.ts";
import { ensureImageTools } from "../../../tasks/image.ts";
import { imagePartition } from "../../../tasks/partition_table.ts";
import { run, runText } from "../../../tasks/run.ts";
import { task } from "../../cli/_publishing.ts";
import { smallRelease } from "../_small_image.ts";
import { type PluggedIn, Workshop } from "./_workshop.ts";

await ensureImageTools();
await ensureInstalled("sgdisk", "e2fsck");

const STICK: PluggedIn = {
  name: "sdy",
  mebibytes: 160,
  vendor: "SanDisk",
  model: "Ultra",
  serial: { usb: "4C5310" },
};

const DOCUMENT = `#cloud-config
# the shed
hostname: shed # in the garden
updates:
  server: http://updates.lan/stable
ssh_authorized_keys:
  - KEY anna # she has the key to the shed, too
`;

/** A public key that is one. */
const KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;

const NODE = ["--cloud-init", "node.yaml", "--os-image", "os.img"];

/** Scratch files of the tool, and a count of its mounts. */
const LEFTOVERS =
  "ls -d /run/kubesolo-provision 2>/dev/null || grep -c provision /proc/mounts || :";

/** Looks into the data partition of what is at `path`. */
async function dataOf(path: string) {
  const { offset, size } = await imagePartition(path, "KSOLODATA");
  const place = `${path}?offset=${offset}`;
  const ask = (command: string) => runText("debugfs", ["-R", command, place]);
  return {
    size,
    bytes: (file: string) => run("debugfs", ["-R", `cat ${file}`, place]),
    check: () => run("e2fsck", ["-f", "-n", place]),
    cat: (file: string) => ask(`cat ${file}`),
    stat: (file: string) => ask(`stat ${file}`),
  };
}

/** A bundle in the directory that the tool is started in. */
async function makeBundle(shop: Workshop): Promise<string> {
  const release = `${shop.directory}/two`;
  const output = `${shop.directory}/os-2.0.0.ksu`;
  await smallRelease(release, "2.0.0");
  const latest = {
    ...{ version: "2.0.0", channel: "stable", architecture: "x86_64" },
    ...{ vmlinuz_url: "vmlinuz", vmlinuz_sha256: await sha256OfFile(`${release}/vmlinuz`) },
    initramfs_url: "kubesolo-os.gz",
    initramfs_sha256: await sha256OfFile(`${release}/kubesolo-os.gz`),
  };
  await Deno.writeTextFile(`${release}/latest.json`, JSON.stringify(latest));
  await task("bundle", ["--release", release, "--output", output]);
  return output;
}

/** Fails where ESP, slots or GRUB's second stage are not those of the image. */
async function assertSameSystem(path: string, image: string): Promise<void> {
  const data = await imagePartition(image, "KSOLODATA");
  // behind the first table, which is another one
  const from = (1 + TABLE_SECTORS) * SECTOR;
  await run("cmp", [`--ignore-initial=${from}`, `--bytes=${data.offset - from}`, path, image]);
  await run("cmp", ["--bytes=440", path, image]);
}

/** What a document is to be once a name and a key were added. */
const MERGED = DOCUMENT.replace("shed #", "node-7 #").replace("KEY", KEY) + `  - ${KEY} berta\n`;

Deno.test("a stick becomes a node's disk, without a network, an environment or Deno", async () => {
  await using shop = await Workshop.create([STICK]);
  const bundle = await makeBundle(shop);
  await shop.write("node.yaml", DOCUMENT.replace("KEY", KEY));
  await shop.write("keys/id.pub", `# of the team\n${KEY} berta\n${KEY} anna\n`);
  const network = "network:\n  version: 2\n  ethernets:\n    eth0: {addresses: [10.0.0.7/24]}\n";
  await shop.write("network.yaml", network);
  await shop.write("on-boot", "#!/bin/sh\necho up\n");

  const flags = ["--hostname", "node-7", "--ssh-key", "keys/id.pub", "--bundle", "os-2.0.0.ksu"];
  const more = ["--network-config", "network.yaml", "--on-boot", "on-boot"];
  const all = ["--device", "/dev/sdy", ...NODE, ...flags, ...more];
  const unasked = await shop.provision(...all);
  assertEquals(unasked.code, 2, unasked.stderr);
  assertStringIncludes(
    unasked.stderr,
    "asking whether to write over /dev/sdy: no terminal; add --yes",
  );
  const ran = await shop.provision(...all, "--yes", "--json");
  assertEquals(ran.code, 0, ran.stderr);
  const report = JSON.parse(ran.stdout);
  const { target, model, serial, size, hostname, direct } = report;
  assertEquals(
    [target, model, serial, size, hostname, direct],
    ["/dev/sdy", "SanDisk Ultra", "4C5310", 160 << 20, "node-7", true],
  );

  const loop = shop.loops["sdy"];
  assertStringIncludes(await runText("sgdisk", ["--verify", loop]), "No problems found");
  const data = await dataOf(loop);
  assertEquals(data.size, (160 - 1 - 67) << 20);
  await data.check();
  assertEquals(await data.cat("etc-kubesolo/cloud-config.yaml"), MERGED);
  assertEquals(await data.cat("cloud/seed/nocloud/user-data"), MERGED);
  assertEquals(await data.cat("cloud/seed/nocloud/network-config"), network);
  assertEquals(
    await data.cat("cloud/seed/nocloud/meta-data"),
    `instance-id: ${report.instanceId}\nlocal-hostname: node-7\n`,
  );
  assert(/Mode: +0600/.test(await data.stat("cloud/seed/nocloud/user-data")));
  assert(/Mode: +0755/.test(await data.stat("etc-kubesolo/on-boot")));
  assertEquals(
    createHash("sha256").update(await data.bytes("kubesolo/bundle/os-2.0.0.ksu")).digest("hex"),
    await sha256OfFile(bundle),
  );
  await assertSameSystem(loop, `${shop.directory}/os.img`);
  // neither mounts nor scratch files are left
  assertEquals(await shop.sh(LEFTOVERS), "0\n");

  // again, onto what was made before, by somebody who is asked
  const wrong = await shop.provisionAtTerminal("y\n", "--device", "/dev/sdy", ...NODE);
  assertEquals(wrong.code, 20, wrong.stdout);
  assertStringIncludes(
    wrong.stdout,
    "Everything on /dev/sdy (SanDisk Ultra, 160 MiB, serial number 4C5310) will be lost.",
  );
  assertStringIncludes(wrong.stdout, "another answer than yes; nothing was written");
  const broken = await shop.provisionAtTerminal("\x03", "--device", "/dev/sdy", ...NODE);
  assertEquals(broken.code, 20, broken.stdout);
  assertStringIncludes(broken.stdout, "another answer than yes; nothing was written");
  assertEquals(await (await dataOf(loop)).cat("cloud/seed/nocloud/user-data"), MERGED);
  const asked = await shop.provisionAtTerminal("yes\n", "--device", "/dev/sdy", ...NODE);
  assertEquals(asked.code, 0, asked.stdout);
  assertStringIncludes(asked.stdout, "100 % of 82 MiB");
  assertStringIncludes(asked.stdout, "/dev/sdy  160 MiB  shed");
  await (await dataOf(loop)).check();
});

Deno.test("a disk that anybody needs is refused, and says what to do; nothing is written", async () => {
  const disks: PluggedIn[] = [
    { ...STICK, name: "sda", mebibytes: 160, removable: false, serial: { vpd: "S3Z8NB" } },
    { ...STICK, name: "sdb", mebibytes: 160, serial: { usb: "B" } },
    { ...STICK, name: "sdc", mebibytes: 8, serial: { usb: "C" } },
    { ...STICK, name: "sdd", mebibytes: 160, readOnly: true, serial: { usb: "D" } },
    { ...STICK, name: "sde", mebibytes: 160, serial: { usb: "E" } },
    { ...STICK, name: "sdf", mebibytes: 160, serial: { usb: "F" } },
  ];
  await using shop = await Workshop.create(disks);
  await shop.write("node.yaml", "#cloud-config\n");
  await shop.sh("mke2fs -q -t ext4 /dev/sdb; mkdir /run/stick; mount /dev/sdb /run/stick");
  const refused = async (device: string, code: number, found: string, ...more: string[]) => {
    const ran = await shop.provision("--device", device, ...NODE, "--yes", ...more);
    assertEquals(ran.code, code, `${device}: ${ran.stderr}`);
    assertStringIncludes(ran.stderr, found);
  };
  await refused(
    "/dev/sda",
    20,
    "it is no removable disk; where it is meant, add --yes-this-disk S3Z8NB",
  );
  await refused("/dev/sda", 20, "its serial number is not S3Z8N8", "--yes-this-disk", "S3Z8N8");
  await refused("/dev/sdb", 20, "/dev/sdb is mounted at /run/stick; unmount it: umount /dev/sdb");
  await refused("/dev/sdb", 20, "is mounted", "--yes-this-disk", "B");
  await refused("/dev/sdc", 20, "it has 8 MiB; use one with at least 84 MiB");
  await refused("/dev/sdd", 20, "it is write-protected; move its switch");
  await refused("/dev/sdx", 2, "no such device; plug it in, or name one of /dev/sda, /dev/sdb");
  await refused("/dev/null", 2, "no disk of its own");
  const refusedWhile = async (command: string[], device: string, found: string) => {
    const holding = shop.start(command, undefined, "piped");
    const reader = holding.stdout.getReader();
    await reader.read();
    await refused(device, 20, found);
    await holding.stdin.close();
    await reader.cancel();
    await holding.status;
    await holding.stderr.cancel();
  };
  const locking = ["flock", "/dev/sde", "sh", "-c", "echo held; cat"];
  await refusedWhile(locking, "/dev/sde", "another program is at work on it");
  // in no table of mounts that is looked at, as the second disk of a btrfs is not
  const hidden = "mke2fs -q -t ext4 /dev/sdf; mount /dev/sdf /mnt; echo held; cat";
  const mounting = ["unshare", "--mount", "sh", "-ec", hidden];
  await refusedWhile(mounting, "/dev/sdf", "/dev/sdf: it is in use by the system; unmount");
  const magic = ["bs=1", "skip=1080", "count=2", "status=none"];
  assertEquals([...await run("dd", [`if=${shop.loops.sdf}`, ...magic])], [0x53, 0xef]);

  const listed = await shop.provision();
  assertEquals(listed.code, 0, listed.stderr);
  const lines = listed.stdout.split("\n");
  assertEquals(lines.slice(0, 2), [
    "device    model          size     serial number",
    "/dev/sda  SanDisk Ultra  160 MiB  S3Z8NB         no: it is no removable disk",
  ]);
  assertStringIncludes(lines[5], "/dev/sde  SanDisk Ultra  160 MiB  E              can be written");
  const unnamed = await shop.provision(...NODE);
  assertEquals(unnamed.code, 2, unnamed.stderr);
  assertStringIncludes(unnamed.stderr, lines[5]);
  assertStringIncludes(unnamed.stderr, "neither --device nor --image; name a disk of this list");
  const json = JSON.parse((await shop.provision("--json")).stdout);
  assertEquals(
    json.map((disk: { refusals: { reason: string }[] }) => disk.refusals.map((one) => one.reason)),
    [["fixed"], ["mounted"], [], ["read-only"], [], []],
  );
  for (const name of ["sda", "sdc", "sdd", "sde"]) {
    const loop = shop.loops[name];
    const first = await run("dd", [`if=${loop}`, "bs=512", "count=1", "status=none"]);
    assert(first.every((byte) => byte === 0xa5), name);
  }

  const named = await shop.provision(
    ...["--device", "/dev/sda", ...NODE, "--yes", "--yes-this-disk", "S3Z8NB"],
  );
  assertEquals(named.code, 0, named.stderr);
});

Deno.test("--image makes a file for anybody, of the size that is asked for, or nothing", async () => {
  await using shop = await Workshop.create([]);
  const home = `${shop.directory}/home`;
  await Deno.mkdir(home);
  await run("chmod", ["755", shop.directory]);
  await run("chown", ["65534:65534", home]);
  await Deno.rename(`${shop.directory}/os.img`, `${home}/os.img`);
  await shop.write("home/node.yaml", DOCUMENT.replace("KEY", KEY));
  const image = (...args: string[]) => shop.provisionAsNobody(home, ...NODE, ...args);

  const small = await image("--image", "node.img");
  assertEquals([small.code, small.stdout], [0, "node.img  84 MiB  shed\n"], small.stderr);
  const large = await image("--image", "big.img", "--size", "1G", "--ssh-key", `${KEY} berta`);
  assertEquals(large.code, 0, large.stderr);
  for (const [name, bytes] of [["node.img", 84 << 20], ["big.img", 1 << 30]] as const) {
    const path = `${home}/${name}`;
    const { size, uid } = await Deno.stat(path);
    assertEquals([size, uid], [bytes, 65534]);
    assertStringIncludes(await runText("sgdisk", ["--verify", path]), "No problems found");
    const data = await dataOf(path);
    await data.check();
    assert(/User: +0 +Group: +0/.test(await data.stat("etc-kubesolo/cloud-config.yaml")));
    await assertSameSystem(path, `${home}/os.img`);
  }
  assertEquals(
    await (await dataOf(`${home}/node.img`)).cat("etc-kubesolo/cloud-config.yaml"),
    DOCUMENT.replace("KEY", KEY),
  );

  const wrong = async (found: string, ...args: string[]) => {
    const ran = await image(...args);
    assertEquals(ran.code, 2, `${args}: ${ran.stderr}`);
    assertStringIncludes(ran.stderr, found);
  };
  await wrong("give at least 84M", "--image", "x.img", "--size", "64M");
  await wrong("wanted a size such as 64M or 2G", "--image", "x.img", "--size", "1.5G");
  await wrong("its directory is not there", "--image", "nowhere/x.img");
  await wrong("outside the directory that this was started in", "--image", "/tmp/x.img");
  await wrong("it is the disk image itself", "--image", "os.img");
  await wrong("File too large", "--image", "x.img", "--size", "99999G");
  await wrong("leave it out", "--size", "1G", "--device", "/dev/sdx");
  await wrong("give one of them", "--image", "x.img", "--device", "/dev/sdx");
  await wrong("Unknown option '--bundel'", "--bundel", "x");
  assertEquals((await image("--device", "/dev/sdx", "--yes")).code, 50, "that takes root");
  const left = await Array.fromAsync(Deno.readDir(home), ({ name }) => name);
  assertEquals(left.sort(), ["big.img", "node.img", "node.yaml", "os.img"]);
});

Deno.test("a document that a node would not take is refused with its line, before anything else", async () => {
  await using shop = await Workshop.create([]);
  await shop.write("node.yaml", DOCUMENT.replace("KEY", KEY));
  const refused = async (found: string, ...args: string[]) => {
    const ran = await shop.provision("--image", "x.img", "--os-image", "os.img", ...args);
    assertEquals(ran.code, 2, `${args}: ${ran.stderr}`);
    assertStringIncludes(ran.stderr, found);
    assertEquals(await Deno.stat(`${shop.directory}/x.img`).catch(() => "none"), "none");
  };
  const document = async (text: string, found: string) => {
    await shop.write("bad.yaml", text);
    await refused(found, "--cloud-init", "bad.yaml");
  };
  await document("#cloud-config\nhostname: a\nupdates: {server: [\n", "reading bad.yaml:");
  await document(
    "#cloud-config\n# note\nupdates:\n  servr: x\n",
    'bad.yaml:4: the unknown key "servr"',
  );
  await document("#cloud-config\nupdates:\n  maintenance_window: 25:00-26:00\n", "bad.yaml:3");
  await document("#cloud-config\nhostname: -x-\n", 'bad.yaml:2: hostname "-x-"');
  await document("hostname: a\n", "give a document whose first line is #cloud-config");

  const good = ["--cloud-init", "node.yaml"];
  await refused('hostname "no_name"', ...good, "--hostname", "no_name");
  await refused("reading --ssh-key absent: No such file", ...good, "--ssh-key", "absent");
  await shop.write("id", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
  await refused("a private key, which is to leave", ...good, "--ssh-key", "id");
  await shop.write("id.pub", `# of the team\n${KEY} anna\ncommand=/bin/sh ${KEY}\n`);
  await refused("reading --ssh-key id.pub:3: ", ...good, "--ssh-key", "id.pub");
  await refused("reading --ssh-key: ", ...good, "--ssh-key", "ssh-ed25519 AAAA");
  const keys = Array.from({ length: 65 }, (_, at) => `${KEY} ${at}\n`);
  await shop.write("few.pub", keys.slice(0, 32).join(""));
  await shop.write("more.pub", keys.slice(32).join(""));
  await refused("more than 64 keys", ...good, "--ssh-key", "few.pub", "--ssh-key", "more.pub");
  await shop.write("long.yaml", `#cloud-config\n#${"x".repeat((128 << 10) - 20)}\n`);
  await refused(
    "reading long.yaml with --hostname and --ssh-key: 131",
    ...["--cloud-init", "long.yaml", "--hostname", "node-7"],
  );
  await shop.write("net.yaml", "version: 2\nethernets:\n  eth0:\n    addresses: [10.0.0.300/24]\n");
  await refused("reading net.yaml:4", ...good, "--network-config", "net.yaml");
  await shop.write("not-a.ksu", "hello");
  await refused("reading --bundle not-a.ksu:", ...good, "--bundle", "not-a.ksu");
  await refused("with .ksu at the end", ...good, "--bundle", "id.pub");
  await refused("reading --cloud-init /etc/shadow: it lies outside", "--cloud-init", "/etc/shadow");
  await refused("no #! in the first line", ...good, "--on-boot", "node.yaml");
  await refused("no GUID partition table", ...good, "--os-image", "node.yaml");
  await shop.write('a"b/c', "");
  await refused("without quotes and line ends", ...good, "--image", 'a"b/x.img');

  await shop.write(
    "warned.yaml",
    "#cloud-config\nruncmd: [ls]\nupdates:\n  pubkey: /etc/kubesolo/a.pub\n",
  );
  const warned = await shop.provision(
    ...["--image", "x.img", "--os-image", "os.img", "--cloud-init", "warned.yaml"],
  );
  assertEquals(warned.code, 0, warned.stderr);
  assertStringIncludes(
    warned.stderr,
    "warning: warned.yaml:2: runcmd: counts for nothing on this node",
  );
  assertStringIncludes(
    warned.stderr,
    "pubkey in warned.yaml:4: names a file, which the node does not have",
  );
});

Deno.test("a broken-off run leaves nothing that boots; without e2fsprogs none begins", async () => {
  await using shop = await Workshop.create([STICK]);
  await shop.write("node.yaml", "#cloud-config\n");
  const running = shop.startTool("--device", "/dev/sdy", ...NODE, "--yes");
  let said = "";
  let broken = false;
  for await (const bytes of running.stderr) {
    said += new TextDecoder().decode(bytes);
    if (broken || !said.includes("writing 82 MiB …\n")) continue;
    running.kill("SIGINT");
    broken = true;
  }
  await running.stdout.cancel();
  assertEquals((await running.status).code, 20, said);
  assertStringIncludes(said, "broken off by SIGINT; what was begun boots nothing; run it again");
  assertEquals(await shop.sh(LEFTOVERS), "0\n");
  const first = await run("dd", [`if=${shop.loops["sdy"]}`, "bs=1M", "count=1", "status=none"]);
  assert(first.every((byte) => byte === 0), "neither boot code nor a table");

  await shop.sh("mount --bind /usr/bin/false /usr/bin/dd");
  const cached = await shop.provision("--device", "/dev/sdy", ...NODE, "--yes");
  assertEquals(cached.code, 0, cached.stderr);
  assertStringIncludes(cached.stderr, "warning: it was read back from the kernel's memory");
  await (await dataOf(shop.loops["sdy"])).check();

  await shop.sh("mkdir /run/empty; mount --bind /run/empty /usr/sbin");
  const ran = await shop.provision("--device", "/dev/sdy", ...NODE, "--yes");
  assertEquals(ran.code, 2, ran.stderr);
  assertStringIncludes(ran.stderr, "no mke2fs, no resize2fs, no debugfs, no e2fsck in /usr/sbin");
  assertStringIncludes(ran.stderr, "install the package e2fsprogs");
});
