import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { DevicePartitions } from "../../mod/slots/mod.ts";
import { LoopDisk, systemPartitions } from "../loop_disk.ts";

async function refusal(partitions: DevicePartitions, label: string): Promise<UpdateError> {
  const error = await assertRejects(() => partitions.find(label), UpdateError);
  assertEquals(error.code, "slot");
  return error;
}

Deno.test("find() goes by the GPT name", async () => {
  const plans = systemPartitions().map((plan) => ({ ...plan, label: undefined }));
  await using disk = await LoopDisk.create({ partitions: plans });
  const partitions = new DevicePartitions({ view: disk.view });
  assertEquals(await partitions.find("KSOLOB"), {
    label: "KSOLOB",
    device: `${disk.device}p3`,
    path: `${disk.view}${disk.device}p3`,
    foundBy: "gpt",
  });
});

Deno.test("find() goes by the file system's label where there is no GPT name", async () => {
  await using disk = await LoopDisk.create({ partitions: systemPartitions({ gptNames: false }) });
  const partitions = new DevicePartitions({ view: disk.view });
  for (const [index, label] of ["KSOLOEFI", "KSOLOA", "KSOLOB", "KSOLODATA"].entries()) {
    const { device, foundBy } = await partitions.find(label);
    assertEquals([device, foundBy], [`${disk.device}p${index + 1}`, "file-system"]);
  }
});

Deno.test("find() believes the GPT name, whatever the file system is called", async () => {
  const plans = systemPartitions().map((plan) => ({ ...plan, label: "KSOLOA" }));
  await using disk = await LoopDisk.create({ partitions: plans });
  const { device } = await new DevicePartitions({ view: disk.view }).find("KSOLOA");
  assertEquals(device, `${disk.device}p2`);
});

Deno.test("find() never takes slot A's partition for slot B because an image calls itself so", async () => {
  const plans = systemPartitions({ without: ["B"] }).map((plan) => ({ ...plan, label: "KSOLOB" }));
  await using disk = await LoopDisk.create({ partitions: plans });
  const error = await refusal(new DevicePartitions({ view: disk.view }), "KSOLOB");
  assertStringIncludes(error.found, "no such GPT name or file-system label");
});

Deno.test("find() says that there is none", async () => {
  await using disk = await LoopDisk.create({ partitions: systemPartitions({ without: ["B"] }) });
  const error = await refusal(new DevicePartitions({ view: disk.view }), "KSOLOB");
  assertStringIncludes(error.message, "looking for the partition KSOLOB: no such GPT name");
  assertStringIncludes(error.message, "the 3 partitions of this machine");
});

for (const gptNames of [true, false]) {
  const kind = gptNames ? "GPT name" : "label";
  Deno.test(`find() names both of two disks with the same ${kind}, and takes the one of --disk`, async () => {
    const partitions = systemPartitions({ gptNames });
    await using one = await LoopDisk.create({ partitions });
    await using other = await LoopDisk.create({ partitions, beside: one });
    const error = await refusal(new DevicePartitions({ view: one.view }), "KSOLOA");
    for (const disk of [one, other]) assertStringIncludes(error.found, `${disk.device}p2`);
    assertStringIncludes(error.advice, "--disk");

    for (const disk of [one, other]) {
      const found = await new DevicePartitions({ view: one.view, disk: disk.device })
        .find("KSOLOA");
      assertEquals(found.device, `${disk.device}p2`);
    }
  });
}

Deno.test("find() follows a link to the disk", async () => {
  await using disk = await LoopDisk.create();
  const view = `${disk.directory}/linked`;
  await Deno.mkdir(`${view}/dev`, { recursive: true });
  await Deno.symlink(`${disk.view}/sys`, `${view}/sys`);
  await Deno.symlink(disk.device, `${view}/dev/by-id`);
  const { device } = await new DevicePartitions({ view, disk: "/dev/by-id" }).find("KSOLODATA");
  assertEquals(device, `${disk.device}p4`);
});

Deno.test("find() says that the disk of --disk is not there", async () => {
  await using disk = await LoopDisk.create();
  const error = await refusal(
    new DevicePartitions({ view: disk.view, disk: "/dev/no-such-disk" }),
    "KSOLOA",
  );
  assertStringIncludes(error.advice, "/dev/no-such-disk");
  assert(error.cause instanceof Deno.errors.NotFound);
});

Deno.test("find() skips devices without a medium, and says which could not be read", async () => {
  await using disk = await LoopDisk.create({ partitions: systemPartitions({ without: ["B"] }) });
  const { view } = disk;
  for (const [name, sectors] of [["empty1", "0"], ["gone1", "2048"]]) {
    await Deno.mkdir(`${view}/sys/devices/pci/${name}`, { recursive: true });
    await Deno.writeTextFile(
      `${view}/sys/devices/pci/${name}/uevent`,
      `DEVTYPE=partition\nDEVNAME=no-such-${name}\n`,
    );
    await Deno.writeTextFile(`${view}/sys/devices/pci/${name}/size`, sectors);
    await Deno.symlink(`../../devices/pci/${name}`, `${view}/sys/class/block/${name}`);
  }
  const error = await refusal(new DevicePartitions({ view }), "KSOLOB");
  assertStringIncludes(error.found, "the 4 partitions");
  assertStringIncludes(error.found, "/dev/no-such-gone1 could not be read");
});

Deno.test("find() says that /sys is not there", async () => {
  const error = await refusal(new DevicePartitions({ view: "/nowhere" }), "KSOLOB");
  assertStringIncludes(error.advice, "/sys");
});

Deno.test("list() says what each partition is called, and how large it is", async () => {
  const plans = [
    { gptName: "KSOLOA", fileSystem: "ext4", label: "OTHER", mebibytes: 8 },
    { fileSystem: "none", mebibytes: 1 },
  ] as const;
  await using disk = await LoopDisk.create({ partitions: plans });
  const [slot, empty] = await new DevicePartitions({ view: disk.view }).list();
  const name = disk.device.slice("/dev/".length);
  assertEquals(slot, {
    device: `${disk.device}p1`,
    disk: name,
    bytes: 8 << 20,
    gptName: "KSOLOA",
    fileSystem: "ext4",
    label: "OTHER",
  });
  assertEquals([empty.device, empty.bytes, empty.label], [`${disk.device}p2`, 1 << 20, undefined]);
});
