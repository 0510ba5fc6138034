/**
 * What a disk may look like when a node is switched on, by name.
 *
 * @module
 */

import { createBlock, editBlock } from "../../mod/boot/mod.ts";
import { LABELS, type Slot } from "../../mod/core/mod.ts";
import { editExt4 } from "../../tasks/ext4.ts";
import {
  readEspFile,
  readSlotFile,
  removeEspFile,
  removeSlotFile,
  writeEspFile,
  writeSlotFile,
} from "../../tasks/offline.ts";
import { imagePartition } from "../../tasks/partition_table.ts";
import { run } from "../../tasks/run.ts";

/** A disk to boot, some times in a row without anybody marking it good. */
export interface Situation {
  /** Goes on behind "GRUB". */
  readonly does: string;
  /** Changes a fresh disk: slot A confirmed, both slots good. */
  prepare(image: string): Promise<void>;
  /** Slots that cannot be started. */
  readonly bad?: readonly Slot[];
  /** 1 where not given. */
  readonly boots?: number;
  readonly readOnly?: boolean;
  readonly strikes?: boolean;
  /** An entry of the menu that is not the default. */
  readonly entry?: "other" | "shell" | "install";
  /** Partitions of the slots in GRUB's words, where the disk has not the usual layout. */
  readonly partitions?: Partial<Record<Slot, string>>;
  /** Seen on UEFI too. */
  readonly uefi?: boolean;
}

type Copy = "grubenv" | "grubenv.bak";

const block = (slot: string, counter: string, success: string, others = {}) =>
  editBlock(createBlock(), {
    active_slot: slot,
    boot_counter: counter,
    boot_success: success,
    ...others,
  });
const put = (image: string, copy: Copy, bytes: Uint8Array) =>
  writeEspFile(image, `grub/${copy}`, bytes);
const bytesOf = (lines: string) =>
  new TextEncoder().encode(`# GRUB Environment Block\n${lines}`.padEnd(1024, "#"));

/** What `activate` leaves behind. */
async function activate(image: string, slot: Slot): Promise<void> {
  await put(image, "grubenv", block(slot, "3", "0"));
  await put(image, "grubenv.bak", block(slot, "3", "0"));
}

async function change(
  image: string,
  slot: Slot,
  name: string,
  to: (bytes: Uint8Array) => Uint8Array,
) {
  await writeSlotFile(image, slot, name, to(await readSlotFile(image, slot, name)));
}

/** The whole partition: an image, or zeroes up to its end. */
async function overwrite(image: string, slot: Slot, bytes: Uint8Array): Promise<void> {
  const { offset, size } = await imagePartition(image, LABELS[slot]);
  using file = await Deno.open(image, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  const whole = new Uint8Array(size);
  whole.set(bytes);
  for (let at = 0; at < size;) at += await file.write(whole.subarray(at));
}

async function relabel(image: string, slot: Slot, label: string): Promise<void> {
  const { offset } = await imagePartition(image, LABELS[slot]);
  await editExt4({ image, offset }, [`set_super_value volume_name ${label}`]);
}

/** A squashfs image of what is in slot `from`. */
async function squashed(image: string, from: Slot): Promise<Uint8Array> {
  const directory = await Deno.makeTempDir();
  try {
    for (const name of ["vmlinuz", "kubesolo-os.gz", "SHA256SUMS"]) {
      await Deno.writeFile(`${directory}/${name}`, await readSlotFile(image, from, name));
    }
    await run("mksquashfs", [directory, `${directory}.squashfs`, "-quiet", "-no-progress"]);
    return await Deno.readFile(`${directory}.squashfs`);
  } finally {
    await Deno.remove(directory, { recursive: true });
    await Deno.remove(`${directory}.squashfs`).catch(() => {});
  }
}

/** Changes one line of grub.cfg. */
async function configureGrub(image: string, from: string, to: string): Promise<void> {
  const text = new TextDecoder().decode(await readEspFile(image, "grub/grub.cfg"));
  if (!text.includes(from)) throw new Error(`grub.cfg has no line ${from}`);
  await writeEspFile(image, "grub/grub.cfg", new TextEncoder().encode(text.replace(from, to)));
}

/** At least one for each row of the table in the design of the boot environment. */
export const SITUATIONS: readonly Situation[] = [
  { does: "boots a fresh disk", prepare: async () => {} },
  {
    does: "tries a slot that nobody confirms three times, then goes back for good",
    prepare: (image) => activate(image, "B"),
    boots: 5,
  },
  {
    does: "goes on with a trial that has two attempts left",
    prepare: (image) => put(image, "grubenv", block("A", "2", "0")),
  },
  {
    does: "takes a counter that is nonsense for none",
    prepare: (image) => put(image, "grubenv", block("B", "many", "0")),
  },
  {
    does: "rolls back from a truncated kernel in the same boot",
    prepare: async (image) => {
      await activate(image, "B");
      await change(image, "B", "vmlinuz", (bytes) => bytes.slice(0, 700));
    },
    bad: ["B"],
    uefi: true,
  },
  {
    does: "rolls back from a missing kernel in the same boot",
    prepare: async (image) => {
      await activate(image, "B");
      await removeSlotFile(image, "B", "vmlinuz");
    },
    bad: ["B"],
  },
  {
    does: "rolls back from one flipped bit in an initramfs",
    prepare: async (image) => {
      await activate(image, "B");
      await change(image, "B", "kubesolo-os.gz", (bytes) => bytes.map((b, at) => at ? b : b ^ 1));
    },
    bad: ["B"],
  },
  {
    does: "rolls back from a wiped file system, and does not take slot A for slot B",
    prepare: async (image) => {
      await activate(image, "B");
      await overwrite(image, "B", new Uint8Array());
      await relabel(image, "A", LABELS.B);
    },
    bad: ["B"],
  },
  {
    does: "starts slot B from an image that is labelled as slot A",
    prepare: async (image) => {
      await activate(image, "B");
      await relabel(image, "B", LABELS.A);
    },
    uefi: true,
  },
  {
    does: "starts slot B from a squashfs image without a label",
    prepare: async (image) => {
      await activate(image, "B");
      await overwrite(image, "B", await squashed(image, "A"));
    },
  },
  {
    does: "does not trust an empty SHA256SUMS",
    prepare: (image) => writeSlotFile(image, "A", "SHA256SUMS", new Uint8Array()),
    bad: ["A"],
  },
  {
    does: "passes over a confirmed slot without a kernel, and writes nothing",
    prepare: (image) => removeSlotFile(image, "A", "vmlinuz"),
    bad: ["A"],
  },
  {
    does: "goes by the second copy where the first is zeroed",
    prepare: async (image) => {
      await put(image, "grubenv", new Uint8Array(1024));
      await put(image, "grubenv.bak", block("B", "3", "1"));
    },
    uefi: true,
  },
  {
    does: "goes by the second copy where the first is gone",
    prepare: (image) => removeEspFile(image, "grub/grubenv"),
  },
  {
    does: "counts in the second copy where the first is junk",
    prepare: async (image) => {
      await put(image, "grubenv", new TextEncoder().encode("junk".repeat(256)));
      await put(image, "grubenv.bak", block("B", "1", "0"));
    },
    boots: 2,
  },
  {
    does: "boots A uncounted where both copies are lost",
    prepare: async (image) => {
      await put(image, "grubenv", new Uint8Array(1024));
      await removeEspFile(image, "grub/grubenv.bak");
    },
  },
  {
    does: "reads and writes a copy that was cut to 512 bytes",
    prepare: (image) => put(image, "grubenv", block("B", "3", "0").slice(0, 512)),
  },
  {
    does: "keeps the variables of others, with backslashes and newlines",
    prepare: (image) =>
      put(image, "grubenv", block("B", "3", "0", { a: "x\\y\nz", saved_entry: "0" })),
  },
  {
    does: "does not try what it cannot record: the disk is read-only",
    prepare: (image) => activate(image, "B"),
    readOnly: true,
  },
  {
    does: "does not try what it cannot record: a variable is there twice",
    prepare: (image) =>
      put(
        image,
        "grubenv",
        bytesOf("boot_counter=3\nactive_slot=B\nboot_success=0\nboot_counter=3\n"),
      ),
  },
  {
    does: "goes back every time where the block has no room to say so",
    prepare: (image) =>
      put(image, "grubenv", bytesOf(`active_slot=B\nboot_success=0\nx=${"x".repeat(965)}\n`)),
    boots: 2,
  },
  {
    does: "settles where both slots are bad",
    prepare: async (image) => {
      await activate(image, "B");
      for (const slot of ["A", "B"] as const) await removeSlotFile(image, slot, "vmlinuz");
    },
    bad: ["A", "B"],
    boots: 2,
  },
  {
    does: "that counts strikes tries the other slot once",
    prepare: async (image) => {
      await configureGrub(image, "set ks_strikes=0", "set ks_strikes=1");
      await put(image, "grubenv", block("A", "1", "1"));
    },
    strikes: true,
    boots: 2,
  },
  {
    does: "starts the other slot by hand without writing",
    prepare: (image) => configureGrub(image, "set default=auto", "set default=other"),
    entry: "other",
  },
  {
    does: "opens the emergency shell from the other slot where the active one is bad",
    prepare: async (image) => {
      await configureGrub(image, "set default=auto", "set default=shell");
      await activate(image, "B");
      await removeSlotFile(image, "B", "vmlinuz");
    },
    entry: "shell",
    bad: ["B"],
  },
  {
    does: "starts the active slot to install it onto a disk, and writes nothing",
    prepare: (image) => configureGrub(image, "set default=auto", "set default=install"),
    entry: "install",
    uefi: true,
  },
  {
    does: "goes by labels on a disk with another layout",
    prepare: async (image) => {
      await activate(image, "B");
      for (const numbers of ["1:6", "3:7", "2:3"]) {
        await run("sgdisk", [`--transpose=${numbers}`, image]);
      }
    },
    partitions: { A: "hd0,gpt3", B: "hd0,gpt7" },
  },
  {
    does: "does not take slot A for slot B where B's partition is gone",
    prepare: async (image) => {
      await activate(image, "B");
      await relabel(image, "A", LABELS.B);
      await run("sgdisk", ["--delete=3", image]);
    },
    bad: ["B"],
  },
];
