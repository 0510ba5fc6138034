/**
 * A GPT disk with the system's partitions, on a loop device: real partitions, real file systems.
 *
 * Needs root, losetup, partx, sgdisk, mke2fs and mkfs.fat. Kernels without GPT support (as in some
 * small virtual machines) get the partitions from partx; what such a kernel does not say in /sys,
 * the GPT names, the disk's own {@linkcode LoopDisk.view} says for it.
 *
 * @module
 */

import { LABELS } from "../mod/core/mod.ts";
import { withMountLock } from "./mount_lock.ts";

const MEBIBYTE = 1 << 20;
/** GPT and backup GPT, and the alignment of partitions. */
const OVERHEAD_BYTES = 3 * MEBIBYTE;

/** The first and the last MiB of an image, with its partition tables. */
interface Tables {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** Tables by the arguments of sgdisk, which sleeps for a second each time. */
const TABLES = new Map<string, Tables>();

/** One partition to make. */
export interface PartitionPlan {
  /** GPT partition name; none where absent. */
  readonly gptName?: string;
  /** `none` leaves it full of zeros. */
  readonly fileSystem: "ext4" | "vfat" | "none";
  /** File-system label; none where absent. */
  readonly label?: string;
  readonly mebibytes: number;
}

/** A partition that was made. */
export interface LoopPartition {
  /** `/dev/loop3p2`. */
  readonly device: string;
  /** GPT name, else file-system label, else the empty string. */
  readonly label: string;
}

/** How {@linkcode systemPartitions} differ from a usual disk. */
export interface SystemPlan {
  /** Sizes in MiB. */
  readonly mebibytes?: Partial<Record<keyof typeof LABELS, number>>;
  /** `false`: file-system labels only. */
  readonly gptNames?: boolean;
  /** `ext4` where the kernel has no vfat to mount. */
  readonly efi?: "vfat" | "ext4";
  /** Partitions that are left out. */
  readonly without?: readonly (keyof typeof LABELS)[];
}

/** KSOLOEFI, KSOLOA, KSOLOB and KSOLODATA, in this order. */
export function systemPartitions(plan: SystemPlan = {}): PartitionPlan[] {
  const usual = { efi: 8, A: 24, B: 24, data: 16 };
  return (["efi", "A", "B", "data"] as const)
    .filter((part) => !plan.without?.includes(part))
    .map((part) => ({
      ...(plan.gptNames === false ? {} : { gptName: LABELS[part] }),
      fileSystem: part === "efi" ? plan.efi ?? "vfat" : "ext4",
      label: LABELS[part],
      mebibytes: plan.mebibytes?.[part] ?? usual[part],
    }));
}

/** What a {@linkcode LoopDisk} is made of. */
export interface LoopDiskOptions {
  /** {@linkcode systemPartitions} where absent. */
  readonly partitions?: readonly PartitionPlan[];
  /** Show the partitions in the view of this disk too, as if both were in one machine. */
  readonly beside?: LoopDisk;
}

/** One disk. `await using` detaches it and removes its image, whatever is still mounted. */
export class LoopDisk implements AsyncDisposable {
  /** `/dev/loop3`. */
  device = "";
  /** In the order in which they were planned. */
  readonly partitions: LoopPartition[] = [];
  /** A directory for whatever the test needs; goes away with the disk. */
  readonly directory: string;
  /** `dev`, `proc` and `sys` of a machine that has this disk and no other. */
  readonly view: string;
  #image: string;

  private constructor(directory: string, view: string) {
    this.directory = directory;
    this.view = view;
    this.#image = `${directory}/disk.img`;
  }

  /** Resolves when the partitions are there and formatted. */
  static async create(options: LoopDiskOptions = {}): Promise<LoopDisk> {
    const plans = options.partitions ?? systemPartitions();
    const directory = await Deno.makeTempDir({ prefix: "loop-disk-" });
    const disk = new LoopDisk(directory, options.beside?.view ?? `${directory}/view`);
    try {
      await disk.#partition(plans);
      await disk.#attach();
      for (const [index, plan] of plans.entries()) {
        const device = `${disk.device}p${index + 1}`;
        await format(device, plan);
        disk.partitions.push({ device, label: plan.gptName ?? plan.label ?? "" });
      }
      await disk.#show(plans);
      return disk;
    } catch (error) {
      await disk[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The device of the partition that is called `label`. */
  of(label: string): string {
    const found = this.partitions.find((partition) => partition.label === label);
    if (!found) throw new Error(`no partition ${label} on ${this.device}`);
    return found.device;
  }

  /** Runs `body` with the partition mounted by the test itself. */
  async mounted<T>(
    label: string,
    body: (directory: string) => Promise<T>,
    options = "rw",
  ): Promise<T> {
    const directory = await Deno.makeTempDir({ dir: this.directory });
    await run("mount", "-o", options, this.of(label), directory);
    try {
      return await body(directory);
    } finally {
      await withMountLock(() => run("umount", directory));
    }
  }

  /** Where any partition of the disk is mounted, as a process sees it. */
  async mountPoints(pid: number = Deno.pid): Promise<string[]> {
    const table = await Deno.readTextFile(`/proc/${pid}/mountinfo`);
    const numbers = await Promise.all(this.partitions.map(({ device }) => numbersOf(device)));
    return table.split("\n").map((line) => line.split(" "))
      .filter((fields) => numbers.includes(fields[2])).map((fields) => fields[4]);
  }

  /** From now on the kernel refuses to write to these partitions; to the whole disk if none is named. */
  async writeProtect(...labels: readonly string[]): Promise<void> {
    await run("blockdev", "--setro", ...this.#devicesOf(labels));
  }

  /** Takes {@linkcode writeProtect} back. */
  async allowWrites(...labels: readonly string[]): Promise<void> {
    await run("blockdev", "--setrw", ...this.#devicesOf(labels));
  }

  /** Detaches it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.device) {
      for (const directory of (await this.mountPoints()).reverse()) await run("umount", directory);
      await run("partx", "-d", this.device).catch(() => {});
      await run("losetup", "-d", this.device);
    }
    await Deno.remove(this.directory, { recursive: true });
  }

  #devicesOf(labels: readonly string[]): string[] {
    if (labels.length > 0) return labels.map((label) => this.of(label));
    return this.partitions.map(({ device }) => device);
  }

  async #partition(plans: readonly PartitionPlan[]): Promise<void> {
    const total = plans.reduce((sum, { mebibytes }) => sum + mebibytes, 0) * MEBIBYTE +
      OVERHEAD_BYTES;
    const args = plans.flatMap(({ gptName, mebibytes }, index) => [
      `--new=${index + 1}:0:+${mebibytes}M`,
      ...(gptName ? [`--change-name=${index + 1}:${gptName}`] : []),
    ]);
    const tables = TABLES.get(args.join(" ")) ?? await makeTables(this.#image, total, args);
    TABLES.set(args.join(" "), tables);
    using image = await Deno.open(this.#image, { write: true, create: true });
    await image.truncate(total);
    await image.write(tables.first);
    await image.seek(-MEBIBYTE, Deno.SeekMode.End);
    await image.write(tables.last);
  }

  async #attach(): Promise<void> {
    this.device = (await run("losetup", "--find", "--partscan", "--show", this.#image)).trim();
    const isScanned = await exists(`/sys/class/block/${nameOf(this.device)}p1`);
    if (!isScanned) await run("partx", "-a", this.device);
  }

  async #show(plans: readonly PartitionPlan[]): Promise<void> {
    await Deno.mkdir(`${this.view}/sys/class/block`, { recursive: true });
    await Deno.mkdir(`${this.view}/sys/dev/block`, { recursive: true });
    for (const name of ["dev", "proc"]) {
      if (!await exists(`${this.view}/${name}`)) {
        await Deno.symlink(`/${name}`, `${this.view}/${name}`);
      }
    }
    const disk = nameOf(this.device);
    await this.#showDevice(this.device, disk, "DEVTYPE=disk\n");
    for (const [index, { device }] of this.partitions.entries()) {
      const { gptName } = plans[index];
      const name = gptName ? `PARTNAME=${gptName}\n` : "";
      await this.#showDevice(
        device,
        `${disk}/${nameOf(device)}`,
        `DEVTYPE=partition\nPARTN=${index + 1}\n${name}`,
      );
    }
  }

  async #showDevice(device: string, path: string, uevent: string): Promise<void> {
    const numbers = await numbersOf(device);
    const [major, minor] = numbers.split(":");
    const directory = `${this.view}/sys/devices/${path}`;
    await Deno.mkdir(directory, { recursive: true });
    const sectors = await Deno.readTextFile(`/sys/class/block/${nameOf(device)}/size`);
    await Deno.writeTextFile(`${directory}/dev`, `${numbers}\n`);
    await Deno.writeTextFile(`${directory}/size`, sectors);
    await Deno.writeTextFile(
      `${directory}/uevent`,
      `MAJOR=${major}\nMINOR=${minor}\nDEVNAME=${nameOf(device)}\n${uevent}`,
    );
    await Deno.symlink(`../../devices/${path}`, `${this.view}/sys/class/block/${nameOf(device)}`);
    await Deno.symlink(`../../devices/${path}`, `${this.view}/sys/dev/block/${numbers}`);
  }
}

/** Resolves to the GPT and the backup GPT that sgdisk makes in a new image. */
async function makeTables(
  image: string,
  bytes: number,
  args: readonly string[],
): Promise<Tables> {
  await Deno.writeFile(image, new Uint8Array(0));
  await Deno.truncate(image, bytes);
  await run("sgdisk", ...args, image);
  const made = await Deno.readFile(image);
  return { first: made.slice(0, MEBIBYTE), last: made.slice(-MEBIBYTE) };
}

/** Runs a program; its standard output, or an error with what it complained about. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    const said = decoder.decode(stderr) + decoder.decode(stdout);
    throw new Error(`${program} ${args.join(" ")}: ${said.trim()}`);
  }
  return decoder.decode(stdout);
}

async function format(device: string, { fileSystem, label }: PartitionPlan): Promise<void> {
  if (fileSystem === "ext4") {
    await run("mke2fs", "-q", "-F", "-t", "ext4", ...(label ? ["-L", label] : []), device);
  }
  if (fileSystem === "vfat") await run("mkfs.fat", ...(label ? ["-n", label] : []), device);
}

async function numbersOf(device: string): Promise<string> {
  return (await Deno.readTextFile(`/sys/class/block/${nameOf(device)}/dev`)).trim();
}

function nameOf(device: string): string {
  return device.slice("/dev/".length);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
