import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bootId } from "../sandbox.ts";
import { assertEnding, assertRecovers } from "./_aftermath.ts";
import { TestNode } from "./_test_node.ts";

const SIGNATURE = "# GRUB Environment Block\n";

/** What a copy may have become: undefined, it is not there. */
const DAMAGES: readonly [problem: string, bytes: Uint8Array | undefined][] = [
  ["all zero bytes", new Uint8Array(1024)],
  ["0 bytes instead of 1024", new Uint8Array(0)],
  ["25 bytes instead of 1024", text(SIGNATURE)],
  ["absent", undefined],
  ["no GRUB environment block", new Uint8Array(1024).fill(0xff)],
  ["no active_slot", block("saved_entry=0\n")],
  ["active_slot=C", block("active_slot=C\nboot_counter=3\nboot_success=1\n")],
  ["boot_success=maybe", block("active_slot=A\nboot_counter=3\nboot_success=maybe\n")],
];

function text(characters: string): Uint8Array {
  return new TextEncoder().encode(characters);
}

function block(lines: string): Uint8Array {
  return text((SIGNATURE + lines).padEnd(1024, "#"));
}

async function damage(node: TestNode, name: string, bytes?: Uint8Array): Promise<void> {
  await node.esp(async (grub) => {
    if (bytes) await Deno.writeFile(`${grub}/${name}`, bytes);
    else await Deno.remove(`${grub}/${name}`);
  });
}

for (const name of ["grubenv", "grubenv.bak"]) {
  Deno.test(`a bad ${name} is reported, and a health check makes it good`, async () => {
    await using node = await TestNode.create();
    for (const [problem, bytes] of DAMAGES) {
      await damage(node, name, bytes);
      const before = await node.update("status");
      assertEquals(before.code, 0, before.stderr);
      assertStringIncludes(before.stdout, `\nwarning      ${name}: ${problem}`);
      const healthy = await node.update("healthcheck");
      assertEquals(healthy.code, 0, healthy.stderr);
      assertStringIncludes(healthy.stderr, `warning: ${name}: ${problem}\n`);
      assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"], problem);
    }
    const after = await node.update("status");
    assertEquals(after.stdout.includes("warning"), false, after.stdout);
  });
}

Deno.test("an update goes on without any boot environment, and leaves two good copies", async () => {
  await using node = await TestNode.create();
  for (const name of ["grubenv", "grubenv.bak"]) await damage(node, name, new Uint8Array(1024));
  await node.publish({ version: "2.0.0" });
  const { code, stderr } = await node.ask("apply");
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /^warning: grubenv: all zero bytes\nwarning: grubenv.bak: all zero bytes\n/);
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);
  assertEquals([await node.slot("A"), await node.slot("B")], ["1.0.0", "2.0.0"]);

  for (const name of ["grubenv", "grubenv.bak"]) await damage(node, name);
  assertEquals((await node.update("activate")).code, 0);
  assertEquals(await node.grubenv(), ["B/3/0", "B/3/0"]);
});

Deno.test("without a boot environment, nothing but the kernel's word says what runs", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  for (const name of ["grubenv", "grubenv.bak"]) await damage(node, name, new Uint8Array(1024));
  await node.sandbox.boot({ commandLine: "quiet", id: bootId(2) });
  const ran = await node.ask("apply");
  assertEquals(ran.code, 50, ran.stderr);
  assertMatch(ran.stderr, /finding out which slot runs: no ksolo.slot= .*; nothing was written;/);
  assertEquals(await node.slot("B"), "1.0.0");
});

Deno.test("an ESP that cannot be written leaves the choice as it was, and the state says so", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  assertEquals((await node.ask("apply")).code, 0);
  await node.disk.writeProtect("KSOLOEFI");
  await assertEnding(node, await node.update("activate"), {
    exit: 50,
    says: /^mounting .* \(KSOLOEFI\) to write: .*; check the device's write protection/,
    passive: "2.0.0",
    phase: "failed",
  });
  await node.disk.allowWrites("KSOLOEFI");

  await damage(node, "grubenv.bak");
  await node.disk.writeProtect("KSOLOEFI");
  const healthcheck = await node.update("healthcheck");
  assertEquals(healthcheck.code, 50, "a copy that cannot be repaired is no success");
  assertMatch(healthcheck.stderr, /^\[\w{8}\] warning: grubenv.bak: absent\n/);
  await node.disk.allowWrites("KSOLOEFI");

  const { code, stderr } = await node.update("activate");
  assertEquals(code, 0, stderr);
  assertEquals(await node.grubenv(), ["B/3/0", "B/3/0"]);
  assertEquals((await node.state()).phase, "activated");
});

Deno.test("a slot that was damaged after it was staged is not activated", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  assertEquals((await node.ask("apply")).code, 0);
  await node.disk.mounted("KSOLOB", async (directory) => {
    await Deno.writeTextFile(`${directory}/vmlinuz`, "damaged");
  });
  await assertEnding(node, await node.update("activate"), {
    exit: 30,
    says: /^reading back slot B \(.*\): vmlinuz reads back as SHA-256 .*; GRUB will not boot it/,
    passive: "not bootable",
    phase: "failed",
  });
  await assertEnding(node, await node.update("activate"), {
    exit: 20,
    says: /^activating: nothing is staged \(phase failed\); run `kubesolo-update apply` first$/,
    passive: "not bootable",
    phase: "failed",
  });
  await assertRecovers(node, "2.0.0");
});
