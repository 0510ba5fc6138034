import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ensureInstalled } from "../../../tasks/debian.ts";
import { ensureImageTools } from "../../../tasks/image.ts";
import { run } from "../../../tasks/run.ts";
import { DOCUMENT, KEY, NODE, STICK } from "./_provisioned.ts";
import { type PluggedIn, Workshop } from "./_workshop.ts";

await ensureImageTools();
await ensureInstalled("e2fsck");

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
  const secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n";
  for (const given of [secret, secret.replaceAll("\n", " "), "hello\nb3BlbnNzaC1r\n"]) {
    const ran = await shop.provision("--image", "x.img", ...NODE, `--ssh-key=${given}`);
    assertEquals([ran.code, ran.stderr.includes("b3Bl")], [2, false], ran.stderr);
    assertStringIncludes(ran.stderr, "error: reading --ssh-key");
  }
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
  await shop.write("on-boot", "#!/bin/sh\r\necho up\r\n");
  await refused("reading --on-boot on-boot: line ends of Windows", ...good, "--on-boot", "on-boot");
  await refused("no GUID partition table", ...good, "--os-image", "node.yaml");
  await shop.write('a"b/c', "");
  await refused("without quotes and line ends", ...good, "--image", 'a"b/x.img');

  await shop.write(
    "warned.yaml",
    "#cloud-config\nruncmd: [ls]\nupdates:\n  pubkey: /etc/kubesolo/a.pub\n  ca_file: /a.pem\n",
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
  assertStringIncludes(
    warned.stderr,
    "ca_file in warned.yaml:5: names a file, which the node does",
  );
});
