/** The kernel's table of mounts: proc_pid_mountinfo(5). */

/** One line of the table. */
export interface MountedAt {
  /** `major:minor` of the device. */
  readonly device: string;
  /** The directory of the file system that is mounted; `/` for all of it. */
  readonly root: string;
  /** Where. */
  readonly directory: string;
  /** Whether it can be written there. */
  readonly writable: boolean;
}

/** The mounts that `process` (a number, or `self`) sees, in the order in which they were made. */
export async function readMountTable(view: string, process: string): Promise<MountedAt[]> {
  return parseMountTable(await Deno.readTextFile(`${view}/proc/${process}/mountinfo`));
}

/** The lines of a mountinfo file; lines that are none are left out. */
export function parseMountTable(text: string): MountedAt[] {
  return text.split("\n").map((line) => line.split(" ")).filter((fields) => fields.length > 6)
    .map(([_id, _parent, device, root, directory, options]) => ({
      device,
      root: unescape(root),
      directory: unescape(directory),
      writable: options.split(",").includes("rw"),
    }));
}

/** Spaces and the like are written in octal: `\040`. */
function unescape(path: string): string {
  return path.replaceAll(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  );
}
