/**
 * `deno task image`: a node's disk as a file. No root, no loop devices; the same inputs give the same
 * bytes.
 *
 * @module
 */

import { SECTOR } from "../mod/provision/mod.ts";
import { oneTarget, taskOptions } from "./arguments.ts";
import { format } from "@std/fmt/bytes";
import { dirname, relative } from "@std/path";
import { ensureInstalled, fileOf, type KnownProgram, type Needed } from "./debian.ts";
import {
  DEFAULT_SIZES,
  type DiskPlan,
  type DiskSizes,
  parseSize,
  planDisk,
} from "./disk_layout.ts";
import type { Architecture } from "./elf.ts";
import { fillExt4, makeExt4 } from "./ext4.ts";
import { platformDirectory, PLATFORMS } from "./grub_programs.ts";
import { availablePlatforms, installGrub } from "./install_grub.ts";
import { main } from "./screen.ts";
import { slotEntries } from "./slot_contents.ts";
import { Sysroot } from "./sysroot.ts";
import { treeOnDisk } from "./tree.ts";
import { writePartitionTable } from "./write_partition_table.ts";

/** What a disk image is made from. */
export interface ImageOptions {
  /** Where the image goes. */
  readonly output: string;
  /** Directory of a release, `vmlinuz` and `kubesolo-os.gz`; without it the slot is empty. */
  readonly slotA?: string;
  /** The same for the other slot. */
  readonly slotB?: string;
  /** Directory whose contents the data partition gets. */
  readonly data?: string;
  /** Sizes in bytes, whole MiB. */
  readonly sizes?: Partial<DiskSizes>;
  /** Whether BIOS machines can start from it; they can where this is left out. */
  readonly bios?: boolean;
  /** Whether UEFI machines can start from it; they can where this is left out. */
  readonly efi?: boolean;
  /** Where GRUB's sources are. */
  readonly grub?: string;
  /** Where GRUB's parts are, and for which architecture; this machine where it is left out. */
  readonly sysroot?: Sysroot;
}

/** What {@linkcode buildImage} needs of Debian, without GRUB's platforms. */
const IMAGE_TOOLS: readonly KnownProgram[] = [
  "mke2fs",
  "debugfs",
  "mkfs.fat",
  "mcopy",
  "grub-mkimage",
];

/** What an image that starts machines of `architecture` needs of Debian. */
export function imageNeeds(
  architecture: Architecture = Deno.build.arch,
): readonly (KnownProgram | Needed)[] {
  if (architecture !== Deno.build.arch) return IMAGE_TOOLS; // its GRUB is unpacked, not installed
  const grub = PLATFORMS[architecture].map((platform) =>
    fileOf(platform.package, platformDirectory(platform, Sysroot.here()))
  );
  return [...IMAGE_TOOLS, ...grub];
}

/** The packages with GRUB for `architecture`. */
export function grubPackages(architecture: Architecture): string[] {
  return PLATFORMS[architecture].map((platform) => platform.package);
}

/** Resolves when what {@linkcode buildImage} needs of Debian is here. */
export async function ensureImageTools(architecture?: Architecture): Promise<void> {
  // Without root GRUB's platforms stay away, and the image is built without that part.
  await ensureInstalled(...Deno.uid() === 0 ? imageNeeds(architecture) : IMAGE_TOOLS);
}

/**
 * Resolves when `output` is a whole disk: slot A confirmed, slot B and the data partition as asked. A
 * loader whose package is not installed is left out, with a warning.
 *
 * @throws {Error} where contents are missing or do not fit, or a tool fails.
 */
export async function buildImage(options: ImageOptions): Promise<void> {
  const plan = planDisk({ ...DEFAULT_SIZES, ...options.sizes });
  const { output, grub, sysroot = Sysroot.here() } = options;
  const platforms = availablePlatforms(options, sysroot);
  await Deno.mkdir(dirname(output), { recursive: true });
  const scratch = await Deno.makeTempDir({ prefix: "kubesolo-image-" });
  try {
    await Deno.writeFile(output, new Uint8Array());
    await Deno.truncate(output, plan.size);
    await writePartitionTable(output, plan, platforms.some(({ firmware }) => firmware === "bios"));
    await fillPartitions(plan, options, scratch);
    await installGrub(output, plan, platforms, sysroot, grub, scratch);
  } catch (error) {
    await Deno.remove(output).catch(() => {});
    throw error;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function fillPartitions(
  plan: DiskPlan,
  { output, slotA, slotB, data }: ImageOptions,
  scratch: string,
): Promise<void> {
  const [, a, b, last] = plan.partitions;
  const contents = [
    { partition: a, entries: slotA ? await slotEntries(slotA, `${scratch}/a`) : [] },
    { partition: b, entries: slotB ? await slotEntries(slotB, `${scratch}/b`) : [] },
    { partition: last, entries: data ? await treeOnDisk(data) : [] },
  ];
  for (const { partition: { label, guid, first, size }, entries } of contents) {
    const place = { image: output, offset: first * SECTOR };
    await makeExt4(place, { label, uuid: guid, size });
    await fillExt4(place, entries);
  }
}

const HELP =
  `deno task image --output FILE [--slot-a DIR] [--slot-b DIR] [--data DIR] [sizes] [--no-bios] [--no-efi]
                [--target x86_64|aarch64]

Builds a node's disk as a file, without root and without loop devices: an ESP with GRUB, the
slots A and B, and the data partition. The same inputs give the same bytes.

  --output FILE        where it goes
  --slot-a DIR         vmlinuz, kubesolo-os.gz and version of slot A; empty where left out
  --slot-b DIR         the same for slot B
  --data DIR           contents of the data partition
  --esp-size SIZE      64M
  --slot-size SIZE     128M, each
  --data-size SIZE     64M
  --no-bios            not for BIOS machines
  --no-efi             not for UEFI machines
  --target ARCH        the machines that start from it: x86_64 or aarch64 (UEFI alone), else those of
                       this machine's kind`;

if (import.meta.main) {
  await main(async () => {
    const values = taskOptions(HELP, {
      "output": { type: "string" },
      "slot-a": { type: "string" },
      "slot-b": { type: "string" },
      "data": { type: "string" },
      "esp-size": { type: "string", default: "64M" },
      "slot-size": { type: "string", default: "128M" },
      "data-size": { type: "string", default: "64M" },
      "no-bios": { type: "boolean", default: false },
      "no-efi": { type: "boolean", default: false },
      "target": { type: "string", default: Deno.build.arch },
    });
    const { output } = values;
    if (!output) throw new Error("--output: wanted the file to write the image to, found none");
    const architecture = oneTarget(values.target);
    await ensureImageTools(architecture);
    await using sysroot = await Sysroot.open(architecture, grubPackages(architecture));
    await buildImage({
      output,
      slotA: values["slot-a"],
      slotB: values["slot-b"],
      data: values.data,
      sizes: {
        esp: parseSize("--esp-size", values["esp-size"]),
        slot: parseSize("--slot-size", values["slot-size"]),
        data: parseSize("--data-size", values["data-size"]),
      },
      bios: !values["no-bios"],
      efi: !values["no-efi"],
      sysroot,
    });
    const { size } = await Deno.stat(output);
    console.log(`${relative(Deno.cwd(), output)}  ${format(size, { binary: true })}`);
  });
}
