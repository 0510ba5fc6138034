/**
 * What the kernel knows of this node and this process: its name, how long it runs, who we are.
 *
 * @module
 */

import { type Disk, readSmall } from "../core/mod.ts";
import { MAX_ATTRIBUTE_BYTES } from "./boot.ts";
import { HOST_VIEW } from "./view.ts";

/** The hostname. The view must be there: see `ensureView`. */
export async function readHostname(disk: Disk, view: string = HOST_VIEW): Promise<string> {
  return (await attribute(disk, `${view}/proc/sys/kernel/hostname`)).trim();
}

/** Seconds since the kernel started; time in suspension counts. The view must be there. */
export async function readUptime(disk: Disk, view: string = HOST_VIEW): Promise<number> {
  return Number.parseFloat(await attribute(disk, `${view}/proc/uptime`));
}

/** Whether this process is root's (effective user 0). The view must be there. */
export async function isRoot(disk: Disk, view: string = HOST_VIEW): Promise<boolean> {
  const status = await attribute(disk, `${view}/proc/self/status`);
  return /^Uid:\t\d+\t(\d+)\t/m.exec(status)?.[1] === "0";
}

/** Where systemd-timesyncd says that it has heard from a server: in a file `synchronized`. */
const TIMESYNC = "/run/systemd/timesync";

/** Whether systemd-timesyncd has set the clock by a server; undefined where another one does, or none. */
export async function isClockSynchronized(
  directory: string = TIMESYNC,
): Promise<boolean | undefined> {
  const isThere = (path: string) => Deno.lstat(path).then(() => true, () => false);
  return await isThere(directory) ? await isThere(`${directory}/synchronized`) : undefined;
}

/** What the first hardware clock shows. The view must be there. */
export async function readHardwareClock(disk: Disk, view: string = HOST_VIEW): Promise<Date> {
  const seconds = Number(await attribute(disk, `${view}/sys/class/rtc/rtc0/since_epoch`));
  return new Date(seconds * 1000);
}

async function attribute(disk: Disk, path: string): Promise<string> {
  const bytes = await readSmall(disk, path, MAX_ATTRIBUTE_BYTES);
  return new TextDecoder().decode(bytes ?? new Uint8Array());
}
