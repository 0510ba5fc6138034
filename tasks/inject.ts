/**
 * Adding the agent to an initramfs that others have built: its bytes stay as they are, and one more
 * archive follows them, packed as the last one is.
 *
 * @module
 */

import { concat } from "@std/bytes/concat";
import { basename, dirname, join } from "@std/path";
import { ArchiveTree } from "./archive_tree.ts";
import { type Entry, packCpio, padded } from "./cpio.ts";
import { sha256Of, sha256OfFile } from "./digest.ts";
import type { Architecture } from "./elf.ts";
import { buildEpoch } from "./epoch.ts";
import { initramfsArchives, type PackedArchive } from "./initramfs_archives.ts";
import { librariesOf, type Library, libraryDirectories } from "./libraries.ts";
import type { Member } from "./list_cpio.ts";
import { PACKINGS } from "./packing.ts";
import { AGENT_PATH } from "./root_tree.ts";
import { warn } from "./screen.ts";
import type { Sysroot } from "./sysroot.ts";
import { fileEntry, withParents } from "./tree.ts";

/** Where a loader looks, besides the directory of the libc that it belongs to. */
const LIBRARY_DIRECTORIES = ["lib", "usr/lib", "lib64", "usr/lib64", "usr/local/lib"];

const LIBC = "libc.so.6";

/** Libraries that are parts of the C library: they work only with the others of the same build. */
const LIBC_PARTS = /^(ld-linux.*|libc|libm|libdl|libpthread|librt)\.so\.\d+$/;

/** An initramfs that others have built. */
export interface Initramfs {
  readonly bytes: Uint8Array;
  /** How its last archive is packed. */
  readonly packing: PackedArchive["packing"];
  readonly tree: ArchiveTree;
}

/**
 * Reads an initramfs.
 *
 * @throws {Error} where the kernel would not unpack it to its end, or where it is packed in a way that is
 * not known here.
 */
export function readInitramfs(bytes: Uint8Array): Initramfs {
  const archives = initramfsArchives(bytes);
  const tree = new ArchiveTree(archives.flatMap(({ members }) => members));
  return { bytes, packing: archives[archives.length - 1].packing, tree };
}

/**
 * The initramfs with the agent in it, those of its libraries that are not there yet, out of `sysroot`,
 * and `extra`. What is replaced is said on the screen.
 *
 * @throws {Error} where the initramfs is of another architecture, or where something is in the way.
 */
export async function injectAgent(
  { bytes, packing, tree }: Initramfs,
  agent: string,
  sysroot: Sysroot,
  extra: readonly Entry[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const [wanted, found] = [sysroot.architecture, tree.architecture()];
  if (found && found !== wanted) {
    throw new Error(`wanted an initramfs for ${wanted}, found programs for ${found}; see --target`);
  }
  const added = [
    ...await libraryEntries(tree, await librariesOf(sysroot, agent), wanted),
    await fileEntry(AGENT_PATH, agent, 0o755),
    ...extra,
  ]
    // A directory written over a link would replace it, so everything goes to where links lead.
    .map((entry) => ({ ...entry, path: tree.resolve(entry.path) }));
  const { entries, replaced } = tree.covered(withParents(added, tree.paths));
  for (const path of replaced) warn(`${path} is in the initramfs already: it is replaced`);

  const packed = packing === "plain"
    ? packCpio(entries, buildEpoch())
    : await PACKINGS[packing].pack(entries);
  // beside a plain archive the kernel wants multiples of four
  const filler = new Uint8Array(padded(bytes.length) - bytes.length);
  return concat([bytes, filler, packed]);
}

async function libraryEntries(
  tree: ArchiveTree,
  libraries: readonly Library[],
  architecture: Architecture,
): Promise<Entry[]> {
  const multiarch = libraryDirectories(architecture).map((path) => path.slice(1));
  const places = [...LIBRARY_DIRECTORIES, ...multiarch];
  const find = (name: string) =>
    places.map((place) => `${place}/${name}`).find((path) => tree.at(path));
  const libc = find(LIBC);
  const sameBuild = libc !== undefined && await isSame(tree.file(libc), libraries);
  const entries: Entry[] = [];
  for (const { path: home, source } of libraries) {
    const name = basename(home);
    const loader = name.startsWith("ld-linux");
    if (loader ? tree.at(home.slice(1)) : find(name)) continue;
    if (libc && !sameBuild && LIBC_PARTS.test(name)) {
      warn(
        `${name} is not in the initramfs, and its libc is of another build; the agent may not start`,
      );
      continue;
    }
    const path = libc && !loader ? join(dirname(libc), name) : home.slice(1);
    entries.push(await fileEntry(path, source, 0o755));
  }
  return entries;
}

/** Whether the initramfs has the very C library that is among `libraries`. */
async function isSame(there: Member | undefined, libraries: readonly Library[]): Promise<boolean> {
  const own = libraries.find(({ path }) => basename(path) === LIBC);
  return there !== undefined && own !== undefined &&
    sha256Of(there.bytes) === await sha256OfFile(own.source);
}
