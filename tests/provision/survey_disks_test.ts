import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { surveyDisks, surveyedDisk, type SurveyOptions } from "../../mod/provision/mod.ts";
import { LoopDisk } from "../loop_disk.ts";
import { Machine, type MadeDisk } from "./_machine.ts";

const STICK: MadeDisk = {
  name: "sdb",
  numbers: "8:16",
  vendor: "SanDisk",
  model: "Ultra",
  serial: { usb: "4C5310" },
  partitions: { sdb1: "8:17", sdb2: "8:18" },
};

type Mounts = Parameters<typeof Machine.create>[1];

/** The refusals of the first disk, each as `reason: found; advice`. */
async function refused(
  disks: readonly MadeDisk[],
  mounts: Mounts = {},
  options: Partial<SurveyOptions> = {},
): Promise<string[]> {
  await using machine = await Machine.create(disks, mounts);
  const [disk] = await surveyDisks({ view: machine.view, ...options });
  return disk.refusals.map(({ reason, found, advice }) => `${reason}: ${found}; ${advice}`);
}

Deno.test("a stick that nobody uses is a candidate, with model, size and serial number", async () => {
  await using machine = await Machine.create([STICK]);
  assertEquals(await surveyDisks({ view: machine.view, needed: 8 * 2 ** 30 }), [{
    device: "/dev/sdb",
    path: `${machine.view}/dev/sdb`,
    model: "SanDisk Ultra",
    serial: "4C5310",
    size: 8 * 2 ** 30,
    removable: true,
    refusals: [],
  }]);
});

Deno.test("serial numbers come from where each kind of disk has them, and never from a hub", async () => {
  const kinds: [MadeDisk["serial"], string | undefined][] = [
    [{ usb: "4C53 10" }, "4C5310"],
    [{ usb: "" }, undefined],
    [{ usb: "", vpd: "WD-12" }, "WD-12"],
    [{ vpd: "S3Z8NB" }, "S3Z8NB"],
    [{ own: "overlay" }, "overlay"],
    [{}, undefined],
  ];
  for (const [serial, wanted] of kinds) {
    await using machine = await Machine.create([{ ...STICK, serial, vendor: "ATA" }]);
    const [disk] = await surveyDisks({ view: machine.view });
    assertEquals([disk.serial, disk.model], [wanted, "Ultra"]);
  }
});

Deno.test("a disk that is mounted, in part or through a volume, is refused with the place", async () => {
  assertEquals(await refused([STICK], { mounts: [["8:18", "/media/me/STICK", "/dev/sdb2"]] }), [
    "mounted: /dev/sdb2 is mounted at /media/me/STICK; unmount it: umount /dev/sdb2",
  ]);
  // a whole disk without partitions
  assertEquals(await refused([STICK], { mounts: [["8:16", "/mnt", "/dev/sdb"]] }), [
    "mounted: /dev/sdb is mounted at /mnt; unmount it: umount /dev/sdb",
  ]);
  // btrfs has numbers of its own in the table
  assertEquals(await refused([STICK], { mounts: [["0:44", "/mnt", "/dev/sdb1"]] }), [
    "mounted: /dev/sdb1 is mounted at /mnt; unmount it: umount /dev/sdb1",
  ]);
  const crypt = { name: "dm-0", numbers: "253:0", title: "luks-1", slaves: ["sdb2"] };
  assertEquals(await refused([STICK, crypt], { mounts: [["253:0", "/mnt", "/dev/dm-0"]] }), [
    "mounted: /dev/mapper/luks-1 is mounted at /mnt; unmount it: umount /dev/mapper/luks-1",
  ]);
});

Deno.test("a disk that is swapped to, or that an array or a volume stands on, is refused", async () => {
  assertEquals(await refused([STICK], { swaps: ["/dev/sdb2"] }), [
    "swap: /dev/sdb2 is swap space; take it out of use: swapoff /dev/sdb2",
  ]);
  const array = { name: "md127", numbers: "9:127", slaves: ["sdb1"] };
  assertEquals(await refused([STICK, array]), [
    "held: /dev/md127 stands on it; stop the array: mdadm --stop /dev/md127",
  ]);
  const crypt = { name: "dm-0", numbers: "253:0", title: "luks-1", slaves: ["sdb2"] };
  const [held] = await refused([STICK, crypt]);
  assertStringIncludes(held, "held: /dev/mapper/luks-1 stands on it; close it: cryptsetup close");
});

Deno.test("the disk that the machine runs from is refused, whatever lies in between and is said", async () => {
  const disk = {
    ...STICK,
    name: "nvme0n1",
    partitions: { nvme0n1p1: "259:1", nvme0n1p3: "259:3" },
  };
  const crypt = { name: "dm-0", numbers: "253:0", title: "luks-1", slaves: ["nvme0n1p3"] };
  const root = { name: "dm-1", numbers: "253:1", title: "vg-root", slaves: ["dm-0"] };
  const mounts = { mounts: [["253:1", "/", "/dev/mapper/vg-root"]] as const };
  const found = "system: this machine runs from it: /dev/mapper/vg-root is /; name another disk";
  const all = await refused([{ ...disk, removable: false }, crypt, root], mounts, {
    serial: "other",
  });
  assertEquals(all, [found], "a serial number changes nothing, and nothing else is advised");
  assertEquals(await refused([disk], { mounts: [["259:1", "/boot/efi", "/dev/nvme0n1p1"]] }), [
    "system: this machine runs from it: /dev/nvme0n1p1 is /boot/efi; name another disk",
  ]);
});

Deno.test("a disk that is not removable wants its serial number, and takes no other", async () => {
  const disk = { ...STICK, removable: false, serial: { vpd: "S3Z8NB" } };
  assertEquals(await refused([disk]), [
    "fixed: it is no removable disk; where it is meant, add --yes-this-disk S3Z8NB",
  ]);
  assertEquals(await refused([disk], {}, { serial: "S3Z8N8" }), [
    "fixed: it is no removable disk, and its serial number is not S3Z8N8; " +
    "where it is meant, add --yes-this-disk S3Z8NB",
  ]);
  assertEquals(await refused([disk], {}, { serial: "S3Z8NB" }), []);
  const [nameless] = await refused([{ ...disk, serial: {} }], {}, { serial: "" });
  assertStringIncludes(nameless, "no serial number to name it by; write a file with --image");
});

Deno.test("a disk that is too small, read-only, empty or of large sectors is refused", async () => {
  assertEquals(await refused([{ ...STICK, bytes: 256 << 20 }], {}, { needed: 386 << 20 }), [
    "too-small: it has 256 MiB; use one with at least 386 MiB",
  ]);
  assertEquals(await refused([{ ...STICK, readOnly: true }]), [
    "read-only: it is write-protected; move its switch, or unlock it with: blockdev --setrw",
  ]);
  assertEquals(await refused([{ ...STICK, bytes: 0 }]), [
    "empty: no medium in the drive; put one in",
  ]);
  assertEquals(await refused([{ ...STICK, sectorBytes: 4096 }]), [
    "sectors: its sectors have 4096 bytes; use a disk with sectors of 512",
  ]);
  const worst = { ...STICK, bytes: 1 << 20, readOnly: true, removable: false };
  assertEquals((await refused([worst], {}, { needed: 2 << 20 })).length, 3);
});

Deno.test("loop devices, volumes, memory and optical drives are no candidates", async () => {
  const others = ["loop0", "dm-0", "zram0", "md0"].map((name) => ({
    name,
    numbers: "7:0",
    slaves: [],
  }));
  await using machine = await Machine.create([STICK, ...others, {
    ...STICK,
    name: "sr0",
    partitions: {},
  }]);
  const disks = await surveyDisks({ view: machine.view });
  assertEquals(disks.map(({ device }) => device), ["/dev/sdb"]);
  const named = (device: string) => surveyedDisk(disks, device, machine.view);
  assertEquals((await named("/dev/sdb")).serial, "4C5310");
  await Deno.mkdir(`${machine.view}/dev/disk`);
  await Deno.symlink("../sdb", `${machine.view}/dev/disk/by-id`);
  assertEquals((await named("/dev/disk/by-id")).device, "/dev/sdb");
  await Deno.writeTextFile(`${machine.view}/dev/sdb1`, "");
  await assertRejects(() => named("/dev/sdb1"), Error, "a partition of /dev/sdb; name the disk");
  await assertRejects(() => named("/dev/loop0"), Error, "no disk of its own: a loop device");
  await assertRejects(() => named("/dev/sdx"), Error, "no such device; plug it in, or name one of");
  await assertRejects(() => named("disk.img"), Error, "no path below /dev; name one of /dev/sdb");
});

Deno.test("a real device that is really mounted is refused by its numbers in the kernel's table", async () => {
  await using disk = await LoopDisk.create({
    partitions: [{ fileSystem: "ext4", label: "STICK", mebibytes: 4 }],
  });
  const numbers = async (device: string) =>
    (await Deno.readTextFile(`/sys/class/block/${device.slice(5)}/dev`)).trim();
  const part = disk.of("STICK");
  await using machine = await Machine.create([{
    ...STICK,
    numbers: await numbers(disk.device),
    partitions: { sdb1: await numbers(part) },
    opens: disk.device,
  }]);
  await Deno.remove(`${machine.view}/proc/self`, { recursive: true });
  await Deno.symlink("/proc/self", `${machine.view}/proc/self`);
  const reasons = async () =>
    (await surveyDisks({ view: machine.view }))[0].refusals.map(({ reason }) => reason);
  assertEquals(await reasons(), []);
  await disk.mounted("STICK", async () => assertEquals(await reasons(), ["mounted"]));
  assertEquals(await reasons(), []);
});
