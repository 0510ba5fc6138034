/**
 * Adding the agent to an initramfs that others have built: its bytes stay as they are, and one more
 * gzip member follows them.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { gunzipSync } from "node:zlib";
import { concatenate, type Entry, listCpio, type Member } from "./cpio.ts";
import { packMember } from "./gzip.ts";
import { librariesOf } from "./libraries.ts";
import { AGENT_PATH } from "./root_tree.ts";
import { warn } from "./screen.ts";
import { fileEntry, withParents } from "./tree.ts";

/** Where a loader looks, besides the directory of the libc that it belongs to. */
const LIBRARY_DIRECTORIES = ["lib", "usr/lib", "lib64", "usr/lib64", "usr/local/lib"];
const MULTIARCH = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];

/** Libraries that are parts of the C library: they work only with the others of the same build. */
const LIBC_PARTS = /^(ld-linux.*|libc|libm|libdl|libpthread|librt)\.so\.\d+$/;

/**
 * The initramfs `original` with the agent in it, and those of its libraries that are not there yet.
 *
 * @throws {Error} where `original` is not a gzip-compressed newc archive.
 */
export async function injectAgent(
  original: Uint8Array,
  agent: string,
  extra: readonly Entry[] = [],
): Promise<Uint8Array> {
  const tree = new ArchiveTree(listCpio(unpack(original)));
  const entries = [
    ...await libraryEntries(tree, await librariesOf(agent)),
    await fileEntry(AGENT_PATH, agent, 0o755),
    ...extra,
  ].filter((entry) => entry.kind !== "directory" || !tree.has(entry.path))
    // A directory written over a link would replace it, so everything goes to where links lead.
    .map((entry) => ({ ...entry, path: tree.resolve(entry.path) }));
  return concatenate([original, await packMember(withParents(entries, tree.paths))]);
}

function unpack(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new Error("wanted a gzip-compressed initramfs, found something else", { cause: error });
  }
}

async function libraryEntries(tree: ArchiveTree, libraries: readonly string[]): Promise<Entry[]> {
  const places = [...LIBRARY_DIRECTORIES, ...MULTIARCH];
  const find = (name: string) =>
    places.map((place) => `${place}/${name}`).find((path) => tree.has(path));
  const libc = find("libc.so.6");
  const entries: Entry[] = [];
  for (const source of libraries) {
    const name = basename(source);
    const loader = name.startsWith("ld-linux");
    if (loader ? tree.has(source.slice(1)) : find(name)) continue;
    if (libc && LIBC_PARTS.test(name)) {
      warn(`${name} is not in the initramfs, though a libc is; the agent may not start there`);
      continue;
    }
    const path = libc && !loader ? join(dirname(libc), name) : source.slice(1);
    entries.push(await fileEntry(path, source, 0o755));
  }
  return entries;
}

/** The names in an archive, links followed. */
class ArchiveTree {
  readonly paths: ReadonlySet<string>;
  readonly #links: ReadonlyMap<string, string>;

  constructor(members: readonly Member[]) {
    this.paths = new Set(members.map(({ path }) => path));
    this.#links = new Map(members.flatMap(({ path, target }) => target ? [[path, target]] : []));
  }

  /** `path` with the links in its directories followed. */
  resolve(path: string, depth = 0): string {
    const parts = path.split("/");
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join("/");
      const target = this.#links.get(parent);
      if (target === undefined || depth > 8) continue;
      const base = target.startsWith("/") ? target.slice(1) : join(dirname(parent), target);
      return this.resolve(join(base, ...parts.slice(length)), depth + 1);
    }
    return path;
  }

  /** Whether there is something at `path`. */
  has(path: string): boolean {
    return this.paths.has(this.resolve(path));
  }
}
