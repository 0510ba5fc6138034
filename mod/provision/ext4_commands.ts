/**
 * What debugfs is told.
 *
 * @module
 */

/** Something to put into an ext4 file system. Paths have no leading slash. */
export type Ext4Entry =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  /** `source`: the file whose bytes it gets; `mode`: permission bits, 0644 otherwise. */
  | {
    readonly kind: "file";
    readonly path: string;
    readonly source: string;
    readonly mode?: number;
  };

/** The commands of debugfs that make `entry`, owned by root, where nothing is in its place. */
export function commandsFor(entry: Ext4Entry): string[] {
  const path = quoted(`/${entry.path}`);
  if (entry.kind === "directory") return [`mkdir ${path}`];
  if (entry.kind === "link") return [`symlink ${path} ${quoted(entry.target)}`];
  const mode = (0o100000 | (entry.mode ?? 0o644)).toString(8).padStart(7, "0");
  return [`write ${quoted(entry.source)} ${path}`, `set_inode_field ${path} mode ${mode}`];
}

/**
 * Quotes a path for debugfs, which has no escape for a quote.
 *
 * @throws {Error} where there is one, or a line end.
 */
export function quoted(path: string): string {
  if (!/["\n]/.test(path)) return `"${path}"`;
  throw new Error(`wanted a path without quotes and line ends, found ${JSON.stringify(path)}`);
}
