import { Buffer } from "node:buffer";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { PrivateKey } from "../../mod/trust/mod.ts";
import { LoopDisk, run } from "../loop_disk.ts";
import { releaseDirectory, task } from "./_publishing.ts";
import { bytesOf, TestNode } from "./_test_node.ts";

/** Where a stick may be mounted, and whatever else the agent may read. */
const MEDIA = "/run/kubesolo-update/media";

/** Puts what is at `path` on the test's side to `name` on the node's. */
async function carry(node: TestNode, path: string, name: string): Promise<string> {
  await node.sandbox.sh(`mkdir -p ${MEDIA}; cp -r '${path}' ${MEDIA}/${name}`);
  return `${MEDIA}/${name}`;
}

/** A bundle of the release, made by the task. */
async function bundle(
  node: TestNode,
  releases: readonly string[],
  name: string,
  ...more: readonly string[]
): Promise<string> {
  const output = `${node.disk.directory}/${name}.ksu`;
  const args = releases.flatMap((release) => ["--release", release]);
  await task("bundle", [...args, "--output", output, ...more]);
  return output;
}

/** `latest.json` and its files, as a server has them. */
async function plainDirectory(
  node: TestNode,
  version: string,
  changes: Record<string, unknown> = {},
): Promise<string> {
  await node.publish({ version, changes });
  return await carry(node, node.www, `plain-${version}`);
}

Deno.test("a release is staged from a bundle, a layout, a directory and a device, without a network", async () => {
  await using node = await TestNode.create();
  await node.stopServer();
  const from = (path: string) => node.update("apply", "--from", path);

  // a: an image layout
  const layout = `${node.disk.directory}/layout`;
  const two = await releaseDirectory(node, "2.0.0");
  await task("publish", ["--release", two, "--to", `oci:${layout}:any`]);
  const inLayout = await carry(node, layout, "layout");
  const there = await node.update("check", "--from", inLayout, "--json");
  assertEquals([there.code, JSON.parse(there.stdout).version], [10, "2.0.0"], there.stderr);
  const a = await from(`${inLayout}/`);
  assertEquals([a.code, await node.slot("B")], [0, "2.0.0"], a.stderr);

  // b: a bundle; a key of its own has signed it, which the node wants from then on
  const key = PrivateKey.generate();
  const keyFile = `${node.disk.directory}/update.key`;
  await Deno.writeTextFile(keyFile, key.format());
  const three = await releaseDirectory(node, "3.0.0");
  const bare = await carry(node, await bundle(node, [three], "bare"), "bare.ksu");
  const signed = await bundle(node, [three], "signed", "--sign-key", keyFile);
  const inBundle = await carry(node, signed, "signed.ksu");
  await node.sandbox.sh(`echo 'pubkey=${key.publicKey.bytes.toHex()}' >/etc/kubesolo/update.conf`);
  const unsigned = await from(bare);
  assertEquals([unsigned.code, await node.slot("B")], [30, "2.0.0"], unsigned.stderr);
  const b = await from(inBundle);
  assertEquals([b.code, await node.slot("B")], [0, "3.0.0"], b.stderr);
  await node.sandbox.sh("rm /etc/kubesolo/update.conf");

  // c: a directory with latest.json
  const c = await from(await plainDirectory(node, "4.0.0"));
  assertEquals([c.code, await node.slot("B")], [0, "4.0.0"], c.stderr);

  // d: a stick with a bundle
  await using stick = await LoopDisk.create({
    partitions: [{ fileSystem: "ext4", label: "STICK", mebibytes: 16 }],
    beside: node.disk,
  });
  const device = stick.of("STICK");
  const empty = await from(device);
  assertEquals(empty.code, 40, empty.stderr);
  assertStringIncludes(empty.stderr, `looking for a release in ${device}: no latest.json`);
  const five = await bundle(node, [await releaseDirectory(node, "5.0.0")], "five");
  await stick.mounted("STICK", (directory) => Deno.copyFile(five, `${directory}/five.ksu`));
  const d = await from(device);
  assertEquals([d.code, await node.slot("B")], [0, "5.0.0"], d.stderr);
  assertEquals((await node.state()).phase, "staged");
  assertEquals(await stick.mountPoints(node.sandbox.pid), [], "the stick is mounted no longer");

  await stick.mounted("STICK", (directory) => Deno.copyFile(signed, `${directory}/a.ksu`));
  const several = await from(device);
  assertEquals(several.code, 40, several.stderr);
  assertStringIncludes(several.stderr, "2 of them: a.ksu, five.ksu; leave one of them there");
  assertEquals(await stick.mountPoints(node.sandbox.pid), []);
});

Deno.test("what is wrong with a medium is said, and nothing is staged", async () => {
  await using node = await TestNode.create();
  const refused = async (path: string, code: number, found: string, ...more: string[]) => {
    const ran = await node.update("apply", "--from", path, ...more);
    assertEquals(ran.code, code, `${path}: ${ran.stderr}`);
    assertStringIncludes(ran.stderr, found);
    assertEquals(await node.slot("A"), "1.0.0");
    const state = await node.state().catch(() => undefined);
    assertEquals(state?.phase === "staged", false, path);
  };

  await refused("/media/usb", 2, "name the stick's device, such as --from /dev/sdb1");
  await refused(`${MEDIA}/../../../etc/passwd`, 2, "lies outside");
  await refused("/dev/null", 2, "/dev/null is no block device");
  await refused("/dev/absent", 2, "is no block device");
  await refused(`${MEDIA}/absent`, 40, "nothing is there");
  await refused(MEDIA, 2, "cannot be used with option", "--server", node.url);

  // a stick may bring a pipe, whose end nobody writes to
  await node.sandbox.sh(`mkdir -p ${MEDIA}/pipe; mkfifo ${MEDIA}/pipe/a.ksu`);
  const apply = [node.sandbox.agent, "apply", "--from", `${MEDIA}/pipe`];
  const piped = await node.sandbox.run("timeout", "60", ...apply);
  assertEquals(piped.code, 30, piped.stderr);
  assertStringIncludes(piped.stderr, `${MEDIA}/pipe/a.ksu: no regular file; put the bundle itself`);

  const release = await releaseDirectory(node, "2.0.0");
  const good = await bundle(node, [release], "good");
  const whole = await carry(node, good, "good.ksu");
  const truncated = await carry(node, good, "truncated.ksu");
  await node.sandbox.sh(`truncate -s 1000000 ${truncated}`);
  await refused(truncated, 30, "ends in the middle of a file");
  const tampered = await carry(node, good, "tampered.ksu");
  await node.sandbox.sh(
    `printf X | dd of=${tampered} bs=1 seek=1500000 conv=notrunc status=none`,
  );
  await refused(tampered, 30, "was promised");
  await node.sandbox.sh(`gzip -k ${whole}`);
  await refused(`${whole}.gz`, 30, "a compressed file; unpack it first");
  await refused(whole, 40, "other", "--tag", "other");

  // the other machine's release, and two releases in one layout
  const arm = await releaseDirectory(node, "2.1.0");
  const latest = await Deno.readTextFile(`${arm}/latest.json`);
  await Deno.writeTextFile(`${arm}/latest.json`, latest.replace("x86_64", "aarch64"));
  const foreign = await carry(node, await bundle(node, [arm], "arm"), "arm.ksu");
  await refused(foreign, 30, "an index for aarch64, and nothing for x86_64");
  const layout = `${node.disk.directory}/two`;
  for (const tag of ["one", "two"]) {
    await task("publish", ["--release", release, "--to", `oci:${layout}:${tag}`]);
  }
  const two = await carry(node, layout, "two");
  await refused(two, 2, "several tags: one, two; name one of them with --tag");
  await node.sandbox.sh(`mv ${two}/index.json ${MEDIA}/i; ln -s ${MEDIA}/i ${two}/index.json`);
  await refused(two, 30, "index.json is a link that leads out of it", "--tag", "one");

  // latest.json
  const plain = await plainDirectory(node, "3.0.0");
  const sh = (script: string) => node.sandbox.sh(`cd ${plain}; ${script}`);
  await sh("mv vmlinuz-3.0.0 ../kernel; ln -s ../kernel vmlinuz-3.0.0");
  await refused(plain, 30, "a link that leads out of the directory");
  await sh("rm vmlinuz-3.0.0");
  await refused(plain, 40, "vmlinuz-3.0.0 is not there");
  await sh("cp ../kernel vmlinuz-3.0.0; printf X | dd of=vmlinuz-3.0.0 conv=notrunc status=none");
  await refused(plain, 30, "was promised");
  await sh("cp ../kernel vmlinuz-3.0.0; truncate -s 100000 vmlinuz-3.0.0");
  await refused(plain, 30, "100000 bytes where 300000 were promised");
  for (const address of ["../kernel", `${MEDIA}/kernel`, "http://127.0.0.1/k", "%2e%2e%2fkernel"]) {
    await sh(`sed -i 's|"vmlinuz_url":"[^"]*"|"vmlinuz_url":"${address}"|' latest.json`);
    await refused(plain, 30, "no plain name of a file in the directory");
  }
});

Deno.test("a stick that is pulled while it is read ends the update with exit code 40", async () => {
  await using node = await TestNode.create();
  await using stick = await LoopDisk.create({
    partitions: [{ fileSystem: "ext4", label: "STICK", mebibytes: 16 }],
    beside: node.disk,
  });
  await node.publish({ version: "2.0.0" });
  for (const name of ["latest.json", "vmlinuz-2.0.0", "kubesolo-os-2.0.0.gz"]) {
    // unlike the kernel it takes the first blocks that are free: what comes last lies behind the others
    await run("debugfs", "-w", "-R", `write ${node.www}/${name} ${name}`, stick.of("STICK"));
  }
  const device = stick.of("STICK");
  assertEquals((await node.update("check", "--from", device)).code, 10);
  // from the middle of its last file on no block of the stick can be read any more
  const image = `${stick.directory}/disk.img`;
  const middle = bytesOf("initramfs 2.0.0", 2_000_000).slice(1_000_000, 1_000_256);
  const cut = Buffer.from(await Deno.readFile(image)).indexOf(middle);
  assertEquals(cut > 0, true);
  await Deno.truncate(image, cut);
  const pulled = await node.update("apply", "--from", device);
  assertEquals(pulled.code, 40, pulled.stderr);
  assertStringIncludes(pulled.stderr, `fetching kubesolo-os.gz from ${device}: `);
  assertStringIncludes(pulled.stderr, "see that the medium is whole and in place");
  assertEquals(pulled.stderr.includes("trying again"), false, pulled.stderr);
  assertEquals(await stick.mountPoints(node.sandbox.pid), []);
  assertEquals((await node.state()).phase, "failed");
  assertEquals(await node.slot("B"), "not bootable");
});
