import { type MountedAt, parseMountTable } from "../core/mod.ts";

/** The mounts that `process` (a number, or `self`) sees, in the order in which they were made. */
export async function readMountTable(view: string, process: string): Promise<MountedAt[]> {
  return parseMountTable(await Deno.readTextFile(`${view}/proc/${process}/mountinfo`));
}
