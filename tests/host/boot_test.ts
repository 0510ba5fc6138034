import { assertEquals, assertRejects } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { MAX_COMMAND_LINE_BYTES, readBoot, rootDevice } from "../../mod/host/mod.ts";
import { MemoryDisk } from "../fakes/memory_disk.ts";

const VIEW = "/run/view";
const ID = "dac981b2-9722-4dcb-a450-dff9710399d6";

interface Kernel {
  readonly id?: string;
  readonly line?: string;
  readonly init?: string;
  readonly self?: string;
  readonly partitions?: Readonly<Record<string, string>>;
}

function kernel(facts: Kernel): MemoryDisk {
  const disk = new MemoryDisk();
  disk.put(`${VIEW}/proc/sys/kernel/random/boot_id`, facts.id ?? `${ID}\n`);
  disk.put(`${VIEW}/proc/cmdline`, facts.line ?? "quiet\n");
  if (facts.init !== undefined) disk.put(`${VIEW}/proc/1/mountinfo`, facts.init);
  disk.put(`${VIEW}/proc/self/mountinfo`, facts.self ?? mounted("0:2"));
  for (const [device, uevent] of Object.entries(facts.partitions ?? {})) {
    disk.put(`${VIEW}/sys/dev/block/${device}/uevent`, uevent);
  }
  return disk;
}

const PARTITIONS = {
  "8:1": "MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=KSOLOEFI\n",
  "8:2": "MAJOR=8\nMINOR=2\nDEVNAME=sda2\nDEVTYPE=partition\nPARTN=2\nPARTNAME=KSOLOA\n",
  "8:3": "MAJOR=8\nMINOR=3\nDEVNAME=sda3\nDEVTYPE=partition\nPARTN=3\nPARTNAME=KSOLOB\n",
  "8:4": "MAJOR=8\nMINOR=4\nDEVNAME=sda4\nDEVTYPE=partition\nPARTN=4\n",
};

function mounted(device: string): string {
  return `1 1 0:2 / / rw - rootfs rootfs rw\n25 1 ${device} / / ro,relatime shared:1 - ext4 /dev/x ro\n` +
    "26 25 0:22 / /proc rw - proc proc rw\n27 25 8:1 / /boot rw - vfat /dev/sda1 rw\n";
}

Deno.test("readBoot() gives the boot's id, and what GRUB said", async () => {
  const disk = kernel({ line: "ro ksolo.slot=B ksolo.boot=trial quiet\n" });
  assertEquals(await readBoot(disk, { view: VIEW }), { id: ID, slot: "B", why: "trial" });
});

for (
  const [device, root] of [
    ["8:2", "A"],
    ["8:3", "B"],
    ["8:1", undefined],
    [
      "8:4",
      undefined,
    ],
    ["0:40", undefined],
    ["259:7", undefined],
  ] as const
) {
  Deno.test(`readBoot() takes a root on ${device} for slot ${root}`, async () => {
    const disk = kernel({ init: mounted(device), partitions: PARTITIONS });
    assertEquals((await readBoot(disk, { view: VIEW })).root, root);
  });
}

Deno.test("readBoot() prefers init's mounts to its own, which in a pod are the pod's", async () => {
  const disk = kernel({ init: mounted("8:2"), self: mounted("0:40"), partitions: PARTITIONS });
  assertEquals((await readBoot(disk, { view: VIEW })).root, "A");
  const alone = kernel({ self: mounted("8:3"), partitions: PARTITIONS });
  assertEquals((await readBoot(alone, { view: VIEW })).root, "B");
});

Deno.test("readBoot() asks whoever knows better which slot a device is", async () => {
  const disk = kernel({ init: mounted("252:0"), partitions: PARTITIONS });
  const slotOf = (device: string) => Promise.resolve(device === "252:0" ? "B" as const : undefined);
  assertEquals((await readBoot(disk, { view: VIEW, slotOf })).root, "B");
});

Deno.test("readBoot() believes no boot id that is none, and no endless command line", async () => {
  for (const id of ["", "\n", "0", "../../etc", "x".repeat(5000)]) {
    await assertRejects(() => readBoot(kernel({ id }), { view: VIEW }), UpdateError, "boot_id");
  }
  const line = "x".repeat(MAX_COMMAND_LINE_BYTES + 1);
  await assertRejects(() => readBoot(kernel({ line }), { view: VIEW }), UpdateError, "cmdline");
});

Deno.test("readBoot() needs a table of mounts: the root is not guessed", async () => {
  const disk = kernel({});
  await disk.remove(`${VIEW}/proc/self/mountinfo`);
  await assertRejects(() => readBoot(disk, { view: VIEW }), UpdateError, "mountinfo");
});

Deno.test("rootDevice() is the last device that was mounted as /", () => {
  assertEquals(rootDevice(mounted("8:2")), "8:2");
  assertEquals(rootDevice(mounted("8:2") + mounted("0:50")), "0:50");
  assertEquals(rootDevice("25 1 8:2 / /mnt rw - ext4 /dev/sda2 rw\n"), undefined);
  for (const nonsense of ["", "\n\n", "a b c d /", "25 1 8:2/../.. / / rw"]) {
    assertEquals(rootDevice(nonsense), undefined);
  }
});
