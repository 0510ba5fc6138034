/** Partitions as the kernel lists them in /sys, seen through the agent's view of it. */

/** One partition that has room for something. */
export interface BlockDevice {
  /** Kernel name below `/sys/class/block`: `vda2`. */
  readonly name: string;
  /** Path below `/dev`: `vda2`; differs from the name only on old RAID controllers. */
  readonly node: string;
  /** Kernel name of the disk that it is on: `vda`. */
  readonly disk: string;
  /** Its size. */
  readonly bytes: number;
  /** Its name in the GPT, where it has one. */
  readonly gptName?: string;
}

/** What /sys counts in, whatever the disk's own sectors are. */
const SECTOR_BYTES = 512;

/** All partitions whose size is not zero, by name. */
export async function listPartitions(view: string): Promise<BlockDevice[]> {
  const directory = `${view}/sys/class/block`;
  const found: BlockDevice[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    const device = await describe(directory, name).catch((error: unknown) => {
      // a stick that is being pulled out goes away while it is looked at
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    });
    if (device) found.push(device);
  }
  return found.sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
}

/** The device's numbers, as `/proc/self/mountinfo` has them: `254:2`. */
export async function deviceNumbers(view: string, name: string): Promise<string> {
  return (await Deno.readTextFile(`${view}/sys/class/block/${name}/dev`)).trim();
}

async function describe(directory: string, name: string): Promise<BlockDevice | undefined> {
  const uevent = parseUevent(await Deno.readTextFile(`${directory}/${name}/uevent`));
  if (uevent.get("DEVTYPE") !== "partition") return undefined;
  const sectors = Number(await Deno.readTextFile(`${directory}/${name}/size`));
  if (sectors === 0) return undefined;
  return {
    name,
    node: uevent.get("DEVNAME") ?? name.replaceAll("!", "/"),
    disk: (await Deno.readLink(`${directory}/${name}`)).split("/").at(-2) ?? "",
    bytes: sectors * SECTOR_BYTES,
    gptName: uevent.get("PARTNAME"),
  };
}

function parseUevent(text: string): Map<string, string> {
  const pairs = text.split("\n").map((line) => line.split("="));
  return new Map(pairs.map(([key, ...value]) => [key, value.join("=")]));
}
