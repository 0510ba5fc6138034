/**
 * What nodes ask for besides the release that a tag names.
 *
 * @module
 */

import { MAX_STEPPING_STONES } from "../../mod/core/mod.ts";
import { ANNOTATION_PREFIX, cosignTag, ROOT_TAG } from "../../mod/oci/mod.ts";
import type { Target } from "../../mod/oras/mod.ts";
import { readManifest, statedIn } from "./read_manifest.ts";

const KEY = `${ANNOTATION_PREFIX}stepping_stones`;

/**
 * Tags and digests of all that nodes may ask for besides the release: its stepping stones, signatures that
 * cosign has put under tags, and roots of trust.
 *
 * @throws {Error} where there are more stepping stones than nodes look at.
 */
export async function companionsOf(source: Target, reference: string): Promise<readonly string[]> {
  const { digests, stones } = await releasesAt(source, reference);
  for (const stone of stones) digests.push(...(await releasesAt(source, stone)).digests);
  const cosigned = new Set(digests.map(cosignTag));
  const tags = (await source.tags()).filter((tag) => cosigned.has(tag) || ROOT_TAG.test(tag));
  return [...stones, ...tags];
}

/** The manifest that a reference names, those that it lists, and the stepping stones that they name. */
async function releasesAt(source: Target, reference: string) {
  const named = await source.resolve(reference);
  const manifest = await readManifest(source, named);
  const listed = manifest.kind === "index" ? manifest.manifests : [];
  const releases = [manifest];
  for (const one of listed) releases.push(await readManifest(source, one));
  const stones = new Set<string>();
  for (const release of releases) {
    const { said } = await statedIn(source, release);
    for (const stone of said[KEY]?.split(",") ?? []) if (stone.trim()) stones.add(stone.trim());
  }
  if (stones.size > MAX_STEPPING_STONES) {
    throw new Error(
      `${reference}: ${stones.size} stepping stones; nodes look at no more than ${MAX_STEPPING_STONES}`,
    );
  }
  return { digests: [named, ...listed].map(({ digest }) => digest), stones };
}
