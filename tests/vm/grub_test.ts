/**
 * The real GRUB, under BIOS and UEFI, on aarch64 too, held against the model of its script: what it starts, what it
 * tells the kernel, and every byte of both copies afterwards.
 */

import { assert, assertEquals } from "@std/assert";
import { type BootReason, otherSlot, type Slot } from "../../mod/core/mod.ts";
import { ensureInstalled, fileOf } from "../../tasks/debian.ts";
import { switchOn } from "../../tasks/demo/switch_on.ts";
import { planDisk } from "../../tasks/disk_layout.ts";
import { ARCHITECTURES } from "../../tasks/elf.ts";
import { buildImage, ensureImageTools, grubPackages } from "../../tasks/image.ts";
import { readEspFile } from "../../tasks/offline.ts";
import { run } from "../../tasks/run.ts";
import { machineNeeds } from "../../tasks/machines.ts";
import { Sysroot } from "../../tasks/sysroot.ts";
import type { VmOptions } from "../../tasks/vm.ts";
import { bootGrub, type GrubBoot, type GrubFiles } from "../fakes/grub_model.ts";
import { type Situation, SITUATIONS } from "./grub_situations.ts";
import { tinyArm64Kernel } from "./tiny_arm64_kernel.ts";
import { tinyKernel } from "./tiny_kernel.ts";

/** Enough for a machine that is many times slower than any that this was written on. */
const LIMIT = { limitSeconds: 120 };

const MIB = 1 << 20;
const SIZES = { esp: 40 * MIB, slot: 8 * MIB, data: 8 * MIB };
const TINY_KERNELS = { x86_64: tinyKernel, aarch64: tinyArm64Kernel };
const ESP_GUID = planDisk(SIZES).partitions[0].guid;
const PARTITIONS = { A: "hd0,gpt2", B: "hd0,gpt3" };

/** What starts GRUB. */
type Machine = Pick<VmOptions, "architecture" | "uefi">;

let directory: string;
const fresh = (architecture: string) => `${directory}/${architecture}.img`;

Deno.test.beforeAll(async () => {
  directory = await Deno.makeTempDir({ prefix: "grub-test-" });
  await ensureImageTools();
  await ensureInstalled(
    ...ARCHITECTURES.flatMap((architecture) => machineNeeds(architecture, true)),
    fileOf("squashfs-tools", "/usr/bin/mksquashfs"),
  );
  for (const [architecture, kernel] of Object.entries(TINY_KERNELS)) {
    for (const slot of ["A", "B"]) {
      const release = `${directory}/${architecture}/${slot}`;
      await Deno.mkdir(release, { recursive: true });
      await Deno.writeFile(`${release}/vmlinuz`, kernel(slot));
      await Deno.writeTextFile(`${release}/kubesolo-os.gz`, `initramfs of ${slot}`);
    }
  }
  for (const architecture of ARCHITECTURES) {
    await using sysroot = await Sysroot.open(architecture, grubPackages(architecture));
    await buildImage({
      output: fresh(architecture),
      slotA: `${directory}/${architecture}/A`,
      slotB: `${directory}/${architecture}/B`,
      sizes: SIZES,
      sysroot,
    });
  }
});

Deno.test.afterAll(() => Deno.remove(directory, { recursive: true }));

for (const situation of SITUATIONS) {
  Deno.test(`GRUB ${situation.does}`, () => check(situation, { uefi: false }));
}
for (const situation of SITUATIONS.filter(({ uefi }) => uefi)) {
  Deno.test(`under UEFI GRUB ${situation.does}`, () => check(situation, { uefi: true }));
  Deno.test(`on aarch64 GRUB ${situation.does}`, () =>
    check(situation, { architecture: "aarch64" }));
}

async function check(situation: Situation, machine: Machine): Promise<void> {
  const image = `${directory}/disk.img`;
  await run("cp", [
    "--sparse=always",
    "--reflink=auto",
    fresh(machine.architecture ?? "x86_64"),
    image,
  ]);
  await situation.prepare(image);
  let files = await filesOf(image);
  for (let boot = 1; boot <= (situation.boots ?? 1); boot++) {
    const where = `boot ${boot}`;
    const wanted = expect(situation, files);
    const found = await bootOnce(image, situation, machine);
    assertEquals(found.started, wanted.started, where);
    files = await filesOf(image);
    assertEquals(text(files.grubenv), text(wanted.grubenv), `grubenv after ${where}`);
    assertEquals(text(files.backup), text(wanted.backup), `grubenv.bak after ${where}`);
    if (!wanted.started) continue;
    const { slot, why } = wanted.started;
    const partition = (situation.partitions ?? PARTITIONS)[slot] ?? PARTITIONS[slot];
    const told = [`ksolo.slot=${slot}`, `ksolo.boot=${why}`, `ksolo.env=${wanted.env}`];
    assertEquals(found.told.filter((word) => word.startsWith("ksolo.")).slice(-3), told, where);
    assert(found.told.includes(`BOOT_IMAGE=(${partition})/vmlinuz`), found.told.join(" "));
    assert(found.told.includes(`ksolo.disk=${ESP_GUID}`), found.told.join(" "));
    for (const entry of ["shell", "install"]) {
      assertEquals(found.told.includes(`ksolo.${entry}`), situation.entry === entry, where);
    }
  }
}

/** What the model says, and for the entries of the menu that it does not have, what they are for. */
function expect(situation: Situation, files: GrubFiles): GrubBoot {
  const bootable = { A: !situation.bad?.includes("A"), B: !situation.bad?.includes("B") };
  const { readOnly, strikes, entry } = situation;
  const boot = bootGrub(files, bootable, { saves: !readOnly, strikes });
  if (!entry) return boot;
  const active: Slot = entry === "other" ? "A" : "B";
  return { ...files, env: boot.env, started: { slot: otherSlot(active), why: "manual" } };
}

interface Seen {
  readonly started?: { readonly slot: Slot; readonly why: BootReason };
  /** The kernel's command line, in words. */
  readonly told: readonly string[];
}

/** One power-on, up to the moment at which the kernel resets the machine, or none was started. */
async function bootOnce(image: string, { readOnly }: Situation, machine: Machine): Promise<Seen> {
  const options = { ...machine, disk: image, readOnly, memory: 256, noReboot: true };
  await using vm = await switchOn(options, console.log);
  const { text } = await vm.waitFor(/KSOLO-GRUB (boot slot|no bootable slot)/, LIMIT);
  const marker = /KSOLO-GRUB boot slot=(\w) why=(\w+)/.exec(text);
  if (!marker) return { told: [] };
  const kernel = await vm.waitFor(/^KERNEL /, LIMIT);
  assertEquals((await vm.exited).reason, "reset");
  return {
    started: { slot: marker[1] as Slot, why: marker[2] as BootReason },
    told: kernel.text.split(" "),
  };
}

async function filesOf(image: string): Promise<GrubFiles> {
  const read = (name: string) => readEspFile(image, `grub/${name}`).catch(() => null);
  return { grubenv: await read("grubenv"), backup: await read("grubenv.bak") };
}

function text(bytes: Uint8Array | null): string | null {
  return bytes && new TextDecoder("latin1").decode(bytes);
}
