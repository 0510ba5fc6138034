import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LoopDisk, run, systemPartitions } from "../loop_disk.ts";
import { assertEnding, assertRecovers, complaintOf } from "./_aftermath.ts";
import { ofUnknownLength, on } from "./_bad_server.ts";
import { bytesOf, sha256, TestNode } from "./_test_node.ts";

Deno.test("a release that does not fit is refused before, or where the slot is full", async () => {
  await using node = await TestNode.create();
  const initramfs = bytesOf("too large", 30 << 20);
  await node.publish({ version: "2.0.0", initramfs });
  await assertEnding(node, await node.ask("apply"), {
    exit: 20,
    says: /^gate room for 2.0.0: wanted 31757280 bytes, found 2\d+ bytes; publish a smaller/,
    passive: "1.0.0",
    phase: "idle",
    gate: "room",
  });

  const unknown = { vmlinuz_size: null, initramfs_size: null };
  await node.publish({ version: "2.0.0", initramfs, changes: unknown });
  await assertEnding(node, await node.ask("apply"), {
    exit: 50,
    says: /^fetching kubesolo-os.gz .*: 31457280 bytes, and the slot has room for 1\d+; .* larger/,
    passive: "not bootable",
    phase: "failed",
  });

  node.answer = on(".gz", ofUnknownLength(initramfs));
  await assertEnding(node, await node.ask("apply"), {
    exit: 50,
    says: /^fetching kubesolo-os.gz .*: more, and the slot has room for 1\d+; nothing was staged/,
    passive: "not bootable",
    phase: "failed",
  });
  await assertRecovers(node, "2.0.0");
});

Deno.test("a slot that cannot be written, or has no file system, is left as it is", async () => {
  await using node = await TestNode.create();
  const device = node.disk.of("KSOLOB");
  await node.publish({ version: "2.0.0" });
  await node.disk.writeProtect("KSOLOB");
  await assertEnding(node, await node.ask("apply"), {
    exit: 50,
    says: new RegExp(`^mounting ${device} \\(KSOLOB\\) to write: .*; check .* write protection`),
    passive: "1.0.0",
    phase: "failed",
  });
  await node.disk.allowWrites("KSOLOB");

  using file = await Deno.open(device, { write: true });
  await file.write(new Uint8Array(1 << 20));
  await file.sync();
  await assertEnding(node, await node.ask("apply"), {
    exit: 50,
    says: new RegExp(`^mounting ${device} .*: no file system .*mke2fs -t ext4 -L KSOLOB ${device}`),
    passive: null,
    phase: "failed",
  });
  const status = await node.update("status");
  assertEquals(status.code, 0, status.stderr);
  assertMatch(status.stdout, /^contents +complete +mounting .*: no file system/m);
  const { code, stderr } = await node.update("rollback");
  assertEquals(code, 50, stderr);
  assertMatch(stderr, /rolling back to slot B: .*no file system.*; nothing was changed; slot A/);

  await run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "KSOLOB", device);
  await assertRecovers(node, "2.0.0");
});

Deno.test("an image needs no file system in its slot, and a bad one leaves none", async () => {
  await using node = await TestNode.create();
  const device = node.disk.of("KSOLOB");
  const image = bytesOf("image 2.0.0", 4 << 20);
  await Deno.writeFile(`${node.www}/root.img`, image);
  const changes = {
    ...{ vmlinuz_url: null, vmlinuz_sha256: null, vmlinuz_size: null },
    ...{ initramfs_url: null, initramfs_sha256: null, initramfs_size: null },
    ...{ image_url: "root.img", image_sha256: sha256(image), image_size: image.length },
  };
  const beginning = async (length: number) => {
    using file = await Deno.open(device);
    const bytes = new Uint8Array(length);
    for (let read = 0; read < length;) read += await file.read(bytes.subarray(read)) ?? length;
    return bytes;
  };

  await node.publish({ version: "2.0.0", changes: { ...changes, image_sha256: "0".repeat(64) } });
  await assertEnding(node, await node.ask("apply"), {
    exit: 30,
    says: /^fetching image .* where 0{64} was promised; nothing was staged/,
    passive: null,
    phase: "failed",
  });
  assertEquals((await beginning(64 << 10)).every((byte) => byte === 0), true);

  await node.publish({ version: "2.0.0", changes: { ...changes, image_size: 25 << 20 } });
  await assertEnding(node, await node.ask("apply"), {
    exit: 20,
    says: /^gate room for 2.0.0: wanted 26214400 bytes, found 25165824 bytes/,
    passive: null,
    phase: "failed",
    gate: "room",
  });

  await node.publish({ version: "2.0.0", changes });
  const { code, stderr } = await node.ask("apply");
  assertEquals(code, 0, stderr);
  assertEquals(sha256(await beginning(image.length)), sha256(image));
  assertEquals(await node.slot("A"), "1.0.0");
});

Deno.test("a slot that somebody has mounted is not written", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  const device = node.disk.of("KSOLOB");

  await node.disk.mounted("KSOLOB", async (directory) => {
    const ran = await node.ask("apply");
    assertEquals(ran.code, 50, ran.stderr);
    assertStringIncludes(complaintOf(ran), `preparing slot B (${device}): it is mounted at`);
    assertStringIncludes(complaintOf(ran), directory);
  });

  await node.sandbox.sh(`mkdir -p /run/elsewhere; mount -o ro ${device} /run/elsewhere`);
  const ran = await node.ask("apply");
  await node.sandbox.sh("umount /run/elsewhere");
  await assertEnding(node, ran, {
    exit: 50,
    says: /it is mounted at \/run\/elsewhere; nothing was written; unmount it, and run it again/,
    passive: "1.0.0",
    phase: "failed",
  });
  await assertRecovers(node, "2.0.0");
});

Deno.test("a node without its other slot says so", async () => {
  await using node = await TestNode.create({ without: ["B"] });
  await node.publish({ version: "2.0.0" });
  const says = /^looking for the partition KSOLOB: no such GPT name or .*; run it on a node that/;
  await assertEnding(node, await node.ask("apply"), {
    exit: 50,
    says,
    passive: null,
    phase: "failed",
  });
  const status = await node.update("status");
  assertEquals(status.code, 0, status.stderr);
  assertMatch(status.stdout, /^contents +complete +looking for the partition KSOLOB: no such/m);
});

Deno.test("two disks with one name are told apart by --disk alone", async () => {
  await using node = await TestNode.create();
  await using other = await LoopDisk.create({
    partitions: systemPartitions({ without: ["efi", "data"] }),
    beside: node.disk,
  });
  await node.publish({ version: "2.0.0" });
  const both = [node.disk, other].map((disk) => disk.of("KSOLOA")).sort().join(" and ");
  await assertEnding(node, await node.ask("apply"), {
    exit: 50,
    says: new RegExp(`^looking for the partition KSOLOA: ${both} are all called so; .*--disk$`),
    passive: "1.0.0",
  });
  await assertEnding(node, await node.ask("apply", "--disk", other.device), {
    exit: 50,
    says: new RegExp(`^looking for the partition KSOLOEFI: .* on ${other.device}; name the disk`),
    passive: "1.0.0",
  });
  await assertEnding(node, await node.ask("apply", "--disk", "/dev/no-such-disk"), {
    exit: 50,
    says: /^looking for the partition KSOLOEFI: .*No such file.*; check that \/dev\/no-such-disk/,
    passive: "1.0.0",
  });

  const { code, stderr } = await node.ask("apply", "--disk", node.disk.device);
  assertEquals(code, 0, stderr);
  assertEquals([await node.slot("A"), await node.slot("B")], ["1.0.0", "2.0.0"]);
  await other.mounted("KSOLOB", async (directory) => {
    const names = (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
    assertEquals(names, ["lost+found"], "the other disk is not touched");
  }, "ro");
});
