/**
 * The real GRUB, under BIOS and UEFI, held against the model of its script: what it starts, what it
 * tells the kernel, and every byte of both copies afterwards.
 */

import { assert, assertEquals } from "@std/assert";
import { type BootReason, otherSlot, type Slot } from "../../mod/core/mod.ts";
import { ensureInstalled, fileOf } from "../../tasks/debian.ts";
import { buildImage, ensureImageTools } from "../../tasks/image.ts";
import { readEspFile } from "../../tasks/offline.ts";
import { run } from "../../tasks/run.ts";
import { Vm } from "../../tasks/vm.ts";
import { bootGrub, type GrubBoot, type GrubFiles } from "../fakes/grub_model.ts";
import { type Situation, SITUATIONS } from "./grub_situations.ts";
import { tinyKernel } from "./tiny_kernel.ts";

/** Enough for a machine that is many times slower than any that this was written on. */
const LIMIT = { limitSeconds: 120 };

const MIB = 1 << 20;
const SIZES = { esp: 40 * MIB, slot: 8 * MIB, data: 8 * MIB };
const PARTITIONS = { A: "hd0,gpt2", B: "hd0,gpt3" };

let directory: string;
const fresh = () => `${directory}/fresh.img`;

Deno.test.beforeAll(async () => {
  directory = await Deno.makeTempDir({ prefix: "grub-test-" });
  await ensureImageTools();
  await ensureInstalled(
    "qemu-system-x86_64",
    fileOf("ovmf", "/usr/share/OVMF/OVMF_CODE_4M.fd"),
    fileOf("squashfs-tools", "/usr/bin/mksquashfs"),
  );
  for (const slot of ["A", "B"]) {
    const release = `${directory}/${slot}`;
    await Deno.mkdir(release);
    await Deno.writeFile(`${release}/vmlinuz`, tinyKernel(slot));
    await Deno.writeTextFile(`${release}/kubesolo-os.gz`, `initramfs of ${slot}`);
  }
  await buildImage({
    output: fresh(),
    slotA: `${directory}/A`,
    slotB: `${directory}/B`,
    sizes: SIZES,
  });
});

Deno.test.afterAll(() => Deno.remove(directory, { recursive: true }));

for (const situation of SITUATIONS) {
  Deno.test(`GRUB ${situation.does}`, () => check(situation, false));
}
for (const situation of SITUATIONS.filter(({ uefi }) => uefi)) {
  Deno.test(`under UEFI GRUB ${situation.does}`, () => check(situation, true));
}

async function check(situation: Situation, uefi: boolean): Promise<void> {
  const image = `${directory}/disk.img`;
  await run("cp", ["--sparse=always", "--reflink=auto", fresh(), image]);
  await situation.prepare(image);
  let files = await filesOf(image);
  for (let boot = 1; boot <= (situation.boots ?? 1); boot++) {
    const where = `boot ${boot}`;
    const wanted = expect(situation, files);
    const found = await bootOnce(image, situation, uefi);
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
    assertEquals(found.told.includes("ksolo.shell"), situation.entry === "shell", where);
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
async function bootOnce(image: string, { readOnly }: Situation, uefi: boolean): Promise<Seen> {
  await using vm = await Vm.start({ disk: image, readOnly, uefi, memory: 256, noReboot: true });
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
