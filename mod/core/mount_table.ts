/**
 * The kernel's table of mounts: proc_pid_mountinfo(5).
 *
 * @module
 */

/** One line of the table. */
export interface MountedAt {
  /** `major:minor` of the device; btrfs and the like have one of their own there. */
  readonly device: string;
  /** The directory of the file system that is mounted; `/` for all of it. */
  readonly root: string;
  /** Where. */
  readonly directory: string;
  /** Whether it can be written there. */
  readonly writable: boolean;
  /** Type of the file system: `ext4`, `tmpfs`. */
  readonly fileSystem: string;
  /** What was mounted, as it was named then: `/dev/sda2`, `tmpfs`. */
  readonly source: string;
}

/** The lines of a mountinfo file; lines that are none are left out. */
export function parseMountTable(text: string): MountedAt[] {
  return text.split("\n").map((line) => line.split(" ")).filter((fields) => fields.length > 6)
    .map((fields) => {
      const [_id, _parent, device, root, directory, options] = fields;
      // in between are fields that a mount may have or not
      const [fileSystem = "", source = ""] = fields.slice(fields.indexOf("-", 6) + 1);
      return {
        device,
        root: unescape(root),
        directory: unescape(directory),
        writable: options.split(",").includes("rw"),
        fileSystem,
        source: unescape(source),
      };
    });
}

/** Spaces and the like are written in octal: `\040`. */
function unescape(path: string): string {
  return path.replaceAll(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  );
}
