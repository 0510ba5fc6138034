/** What a disk says it is. */

import { oneLine } from "../core/mod.ts";
import { readLine } from "./_block_tree.ts";

/** Bytes before the serial number in vital product data page 0x80: SPC-4, 7.8.18. */
const VPD_HEADER_BYTES = 4;

/** How many directories above a disk are looked at for what its bus knows of it. */
const MAX_CLIMB = 8;

/** Maker and model: `SanDisk Ultra`; undefined where the disk says nothing. */
export async function modelOf(directory: string): Promise<string | undefined> {
  const model = await readLine(`${directory}/device/model`) ??
    await readLine(`${directory}/device/name`);
  const vendor = await readLine(`${directory}/device/vendor`);
  // "ATA" is the bus; a number is a PCI identifier
  const maker = vendor && !/^(?:ATA|0x[0-9a-f]+)$/.test(vendor) ? vendor : undefined;
  return oneLine([maker, model].filter(Boolean).join(" ")) || undefined;
}

/** The serial number that is printed on it, or that its bus reports; undefined where there is none. */
export async function serialOf(directory: string): Promise<string | undefined> {
  const found = await serialAbove(directory) ?? await serialInVpd(`${directory}/device/vpd_pg80`);
  return found === undefined ? undefined : oneLine(found).replaceAll(" ", "") || undefined;
}

/** NVMe, MMC and virtio have it in the disk's own directory or just above; USB in that of the stick. */
async function serialAbove(directory: string): Promise<string | undefined> {
  let place = await Deno.realPath(directory);
  for (let step = 0; step < MAX_CLIMB && !place.endsWith("/devices"); step++) {
    const serial = await readLine(`${place}/serial`);
    if (serial) return serial;
    // the hub that a stick without one is plugged into has a number as well
    if (await readLine(`${place}/idVendor`)) return undefined;
    place = place.slice(0, place.lastIndexOf("/"));
  }
}

async function serialInVpd(path: string): Promise<string | undefined> {
  const bytes = await Deno.readFile(path).catch(() => new Uint8Array());
  return new TextDecoder().decode(bytes.subarray(VPD_HEADER_BYTES)).trim() || undefined;
}
