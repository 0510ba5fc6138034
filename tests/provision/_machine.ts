/**
 * A machine whose disks are made up: /sys, /proc and /dev below a directory, as Linux has them.
 *
 * @module
 */

/** A disk, or a part of one. */
export interface MadeDisk {
  readonly name: string;
  /** `8:16`. */
  readonly numbers: string;
  readonly bytes?: number;
  readonly removable?: boolean;
  readonly readOnly?: boolean;
  readonly sectorBytes?: number;
  readonly model?: string;
  readonly vendor?: string;
  /** Where its bus has its number: below a USB device, in a file of the disk, or in a page of SCSI. */
  readonly serial?: { readonly usb?: string; readonly own?: string; readonly vpd?: string };
  /** Names and numbers of its partitions. */
  readonly partitions?: Readonly<Record<string, string>>;
  /** What it stands on, for volumes; those have no hardware. */
  readonly slaves?: readonly string[];
  /** What a volume is called. */
  readonly title?: string;
  /** The device that is opened for it. */
  readonly opens?: string;
}

/** The machine. */
export class Machine implements AsyncDisposable {
  /** Its `dev`, `proc` and `sys`. */
  readonly view: string;

  private constructor(view: string) {
    this.view = view;
  }

  /** Resolves when it has these disks, mounts (numbers, directory, source) and swap spaces. */
  static async create(
    disks: readonly MadeDisk[],
    { mounts = [], swaps = [] }: {
      readonly mounts?: readonly (readonly [string, string, string])[];
      readonly swaps?: readonly string[];
    } = {},
  ): Promise<Machine> {
    const machine = new Machine(await Deno.makeTempDir({ prefix: "machine-" }));
    for (const directory of ["dev", "proc/self", "sys/class/block", "sys/dev/block"]) {
      await Deno.mkdir(`${machine.view}/${directory}`, { recursive: true });
    }
    const table = mounts.map(([numbers, directory, source]) =>
      `36 35 ${numbers} / ${directory} rw shared:1 - ext4 ${source} rw\n`
    );
    await machine.#write("proc/self/mountinfo", table.join(""));
    const lines = swaps.map((path) => `${path}\tpartition\t1048572\t0\t-2\n`);
    await machine.#write("proc/swaps", `Filename\tType\tSize\tUsed\tPriority\n${lines.join("")}`);
    for (const disk of disks) await machine.#add(disk);
    return machine;
  }

  async #add(disk: MadeDisk): Promise<void> {
    const { name, numbers, bytes = 8 * 2 ** 30, removable, serial, slaves } = disk;
    const port = `devices/pci0/usb1/${numbers}`;
    const bus = serial?.usb !== undefined ? `${port}/${numbers}:1.0/host7` : "devices/pci0";
    const place = slaves ? `devices/virtual/block/${name}` : `${bus}/${name}x/block/${name}`;
    if (serial?.usb !== undefined) {
      await this.#write("sys/devices/pci0/usb1/serial", "0000:00:14.0\n");
      await this.#write("sys/devices/pci0/usb1/idVendor", "1d6b\n");
      await this.#write(`sys/${port}/idVendor`, "0781\n");
      if (serial.usb) await this.#write(`sys/${port}/serial`, `${serial.usb}\n`);
    }
    const file = (path: string, text: string) => this.#write(`sys/${place}/${path}`, text);
    await file("size", `${bytes / 512}\n`);
    await file("removable", removable === false ? "0\n" : "1\n");
    await file("ro", disk.readOnly ? "1\n" : "0\n");
    await file("queue/logical_block_size", `${disk.sectorBytes ?? 512}\n`);
    if (disk.title) await file("dm/name", `${disk.title}\n`);
    if (!slaves) await file("device/model", `${disk.model ?? ""}\n`);
    if (disk.vendor) await file("device/vendor", `${disk.vendor}\n`);
    if (serial?.own) await file("serial", `${serial.own}\n`);
    if (serial?.vpd) await file("device/vpd_pg80", `\0\x80\0\x08${serial.vpd}  `);
    for (const slave of slaves ?? []) await file(`slaves/${slave}/dev`, "");
    await this.#register(name, place, numbers, "disk");
    for (const [part, numbers] of Object.entries(disk.partitions ?? {})) {
      await this.#register(part, `${place}/${part}`, numbers, "partition");
    }
    if (disk.opens) await Deno.symlink(disk.opens, `${this.view}/dev/${name}`);
    else await this.#write(`dev/${name}`, "");
  }

  async #register(name: string, place: string, numbers: string, type: string): Promise<void> {
    await this.#write(`sys/${place}/dev`, `${numbers}\n`);
    await this.#write(`sys/${place}/uevent`, `DEVNAME=${name}\nDEVTYPE=${type}\n`);
    await Deno.symlink(`../../${place}`, `${this.view}/sys/class/block/${name}`);
  }

  async #write(path: string, text: string): Promise<void> {
    const whole = `${this.view}/${path}`;
    await Deno.mkdir(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(whole, text);
  }

  /** Removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.view, { recursive: true });
  }
}
