import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LoopDisk, run, systemPartitions } from "../../loop_disk.ts";
import { type Ran, Sandbox } from "../../sandbox.ts";
import { DISK_BREAKAGES } from "./_disk_breakages.ts";
import { examined, footprint, healthyNode } from "./_healthy_node.ts";
import { NODE_BREAKAGES } from "./_node_breakages.ts";

Deno.test("doctor finds each thing that is wrong on a node, and nothing else", async () => {
  await using node = await healthyNode();
  const before = await footprint(node);
  const well = await examined(node);
  assertEquals(well.checks.filter(({ level }) => level !== "ok"), []);
  assertEquals([well.result, well.checks.length], ["ok", 20]);
  assertEquals(await footprint(node), before, "it has changed something");

  for (const { what, sh, mendSh, wreck, mend, says } of [...DISK_BREAKAGES, ...NODE_BREAKAGES]) {
    await wreck?.(node);
    if (sh) await node.sandbox.sh(sh);
    const before = await footprint(node);
    const { checks } = await examined(node);
    assertEquals(await footprint(node), before, `${what}: it has changed something`);
    const bad = checks.filter(({ level }) => level !== "ok");
    assertEquals(
      bad.map(({ name }) => name).sort(),
      Object.keys(says).sort(),
      what + JSON.stringify(bad),
    );
    for (const { name, level, found, advice } of bad) {
      const [wantedLevel, wantedFound, wantedAdvice = /./] = says[name];
      assertEquals(level, wantedLevel, `${what}: ${name}`);
      assertMatch(found, wantedFound, what);
      assertMatch(advice ?? "", wantedAdvice, what);
    }
    if (mendSh) await node.sandbox.sh(mendSh);
    await mend?.(node);
  }
  assertEquals((await examined(node)).result, "ok", "all was put right again");
  assertEquals(await node.mounts(), ["/var/lib/kubesolo"]);
});

Deno.test("doctor takes slots of squashfs for what they are: full, and as large as an image may be", async () => {
  await using node = await healthyNode();
  const image = `${node.disk.directory}/slot.squashfs`;
  await node.disk.mounted("KSOLOA", async (slot) => {
    await run("mksquashfs", slot, image, "-quiet", "-no-progress", "-e", "lost+found");
  });
  const room = async (label: string) => {
    await run("dd", `if=${image}`, `of=${node.disk.of(label)}`, "bs=1M", "conv=fsync");
    const { checks } = await examined(node);
    return checks.filter(({ name, level }) => name === "room" || level !== "ok")
      .map(({ name, level, found }) => [name, level, found]);
  };
  assertEquals(await room("KSOLOB"), [
    ["room", "warning", "slot B takes whole images only, up to 8 MiB"],
  ]);
  assertEquals(await room("KSOLOA"), [["room", "ok", "slot B takes images of up to 8 MiB"]]);
});

Deno.test("doctor names both disks that are called the same, and takes the one that is named", async () => {
  await using node = await healthyNode();
  const partitions = systemPartitions({ efi: "ext4" }).slice(1, 3);
  await using other = await LoopDisk.create({ partitions, beside: node.disk });
  const { checks } = await examined(node);
  const found = checks.find(({ name }) => name === "partitions");
  assertEquals(found?.level, "problem");
  for (const label of ["KSOLOA", "KSOLOB"]) {
    // the kernel gives a loop device the lowest number that is free
    const devices = [node.disk.of(label), other.of(label)]
      .sort((one, another) => one.localeCompare(another, "en", { numeric: true }));
    assertStringIncludes(
      found?.found ?? "",
      `${devices.join(" and ")} are all called ${label}`,
    );
  }
  assertStringIncludes(found?.advice ?? "", "--disk");
  assertEquals((await examined(node, "--disk", node.disk.device)).result, "ok");
});

Deno.test("doctor is kind to a machine that is no node, and to who is not root", async () => {
  const partitions = [{ gptName: "ROOT", fileSystem: "none", mebibytes: 1 }] as const;
  await using disk = await LoopDisk.create({ partitions });
  await using sandbox = await Sandbox.create(disk);
  const text = (ran: Ran) => {
    assertEquals(ran.stderr, "");
    assertEquals(ran.code, 60, ran.stdout);
    return ran.stdout;
  };
  const none = text(await sandbox.update("doctor"));
  assertMatch(
    none,
    /^problem +partitions +none of 1 partitions of this machine is called KSOLOEFI, /m,
  );
  assertMatch(none, /^skipped +grubenv +this machine has no partitions of a KubeSolo node$/m);
  assertMatch(
    none,
    /\n\n2 problems \(partitions, data partition\), 2 warnings \(.*\); 20 checks\n$/,
  );
  await sandbox.sh("rmdir /var/lib/kubesolo");
  const bare = text(await sandbox.update("doctor"));
  assertMatch(bare, /^warning +data partition +there is nothing at \/var\/lib\/kubesolo\/update$/m);
  assertEquals((await sandbox.run("ls", "/var/lib/kubesolo")).code, 2, "none was made");
  assertEquals(none.includes("\x1b"), false, "no colours where nobody looks");

  await sandbox.sh(`
    cp ${sandbox.agent} /run/agent; chmod 755 /run/agent
    umount /run/kubesolo-update/host/dev /run/kubesolo-update/host/sys`);
  const nobody = text(await sandbox.run("setpriv", "--reuid=65534", "/run/agent", "doctor"));
  assertMatch(nobody, /^problem +permissions +making \/dev, \/proc and \/sys visible/m);
  assertMatch(nobody, /^skipped +partition names/m);
});
