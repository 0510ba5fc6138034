/**
 * Files of this machine as entries of an archive.
 *
 * @module
 */

import type { Ext4Entry } from "../mod/provision/mod.ts";
import type { Entry } from "./cpio.ts";

/** A file of this machine, as the entry `path`. */
export async function fileEntry(path: string, source: string, mode?: number): Promise<Entry> {
  return { kind: "file", path, mode, bytes: await Deno.readFile(source) };
}

/** A file with this text. */
export function textEntry(path: string, text: string, mode?: number): Entry {
  return { kind: "file", path, mode, bytes: new TextEncoder().encode(text) };
}

/**
 * Everything below `directory`, sorted. Of the modes only whether a file is executable is kept, since
 * the rest differs from one checkout to the next.
 */
export async function treeOnDisk(directory: string, below = ""): Promise<Ext4Entry[]> {
  const children = await Array.fromAsync(Deno.readDir(`${directory}/${below}`));
  children.sort((a, b) => a.name < b.name ? -1 : 1);
  const entries: Ext4Entry[] = [];
  for (const child of children) {
    const path = below ? `${below}/${child.name}` : child.name;
    const source = `${directory}/${path}`;
    if (child.isDirectory) {
      entries.push({ kind: "directory", path }, ...await treeOnDisk(directory, path));
    } else if (child.isSymlink) {
      entries.push({ kind: "link", path, target: await Deno.readLink(source) });
    } else {
      const executable = ((await Deno.stat(source)).mode ?? 0) & 0o100;
      entries.push({ kind: "file", path, source, mode: executable ? 0o755 : 0o644 });
    }
  }
  return entries;
}

/** {@linkcode treeOnDisk}, with the bytes of the files. */
export async function treeEntries(directory: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const entry of await treeOnDisk(directory)) {
    entries.push(
      entry.kind === "file" ? await fileEntry(entry.path, entry.source, entry.mode) : entry,
    );
  }
  return entries;
}

/**
 * The same entries, with the directories above them that are neither among them nor `known`; each comes
 * before what is in it. A directory that is a link among the `known` stays one: the kernel would put the
 * directory in its place.
 */
export function withParents(
  entries: readonly Entry[],
  known: ReadonlySet<string> = new Set(),
): Entry[] {
  const seen = new Set(known);
  const all: Entry[] = [];
  for (const entry of entries) {
    const parts = entry.path.split("/");
    for (let depth = 1; depth < parts.length; depth++) {
      const parent = parts.slice(0, depth).join("/");
      if (!seen.has(parent)) all.push({ kind: "directory", path: parent });
      seen.add(parent);
    }
    if (entry.kind === "directory" && seen.has(entry.path)) continue;
    seen.add(entry.path);
    all.push(entry);
  }
  return all;
}
