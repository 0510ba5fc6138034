/**
 * Compressed archives, and a cache of the large ones.
 *
 * @module
 */

import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { type Entry, packCpio } from "./cpio.ts";
import { sha256Of } from "./digest.ts";
import { buildEpoch } from "./epoch.ts";
import { cacheDirectory, withLock } from "./lock.ts";

/** Archives that the cache keeps: initramfs of two releases, layers of two architectures. */
const KEPT = 8;

const compress = promisify<Uint8Array, { level: number }, Uint8Array>(gzip);

/**
 * `entries` as one gzip member. The kernel takes any number of them in one file. The highest level:
 * GRUB hashes every byte at every boot, and every node fetches it.
 */
export async function packMember(entries: readonly Entry[]): Promise<Uint8Array> {
  return await compress(packCpio(entries, buildEpoch()), { level: constants.Z_BEST_COMPRESSION });
}

/** As {@linkcode packMember}, but what was packed lately is taken from the cache. */
export function packMemberOnce(entries: readonly Entry[]): Promise<Uint8Array> {
  return gzipOnce(packCpio(entries, buildEpoch()));
}

/** `archive` as one gzip member of the highest level; what was packed lately is taken from the cache. */
export async function gzipOnce(archive: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const directory = `${cacheDirectory()}/gzip`;
  const path = `${directory}/${Deno.version.deno}-${sha256Of(archive)}.gz`;
  return await withLock(`${directory}/.lock`, async () => {
    try {
      const cached = await Deno.readFile(path);
      await Deno.utime(path, new Date(), new Date());
      return cached;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const member = new Uint8Array(
      await compress(archive, { level: constants.Z_BEST_COMPRESSION }),
    );
    await Deno.writeFile(`${path}.new`, member);
    await Deno.rename(`${path}.new`, path);
    await forgetOldest(directory);
    return member;
  });
}

async function forgetOldest(directory: string): Promise<void> {
  const ages: { path: string; used: number }[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    if (!name.endsWith(".gz")) continue;
    const path = `${directory}/${name}`;
    ages.push({ path, used: (await Deno.stat(path)).mtime?.getTime() ?? 0 });
  }
  ages.sort((a, b) => b.used - a.used);
  for (const { path } of ages.slice(KEPT)) await Deno.remove(path);
}
