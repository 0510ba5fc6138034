/** Walks from manifest to manifest; there is an end to it, whatever they say. */

import type { Descriptor, Fetcher } from "./content.ts";
import { readAll } from "./digest.ts";
import { OrasError } from "./errors.ts";
import { asReferrer, type Manifest, MAX_MANIFEST_BYTES, parseManifest } from "./manifest.ts";
import { isIndexType, isManifestType } from "./media_types.ts";

/** Most manifests in one walk. */
export const MAX_GRAPH_MANIFESTS = 65_536;

/** The bytes of a manifest, verified. */
export async function fetchManifest(
  from: Fetcher,
  target: Descriptor,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  return await readAll(target, await from.fetch(target, { signal }), MAX_MANIFEST_BYTES);
}

/**
 * The manifests among `roots` and those that indexes among them list, however deep, each once. A listed
 * index that is not there, or is none, lists nothing: a layout may lack some platforms.
 */
export async function listedManifests(
  from: Fetcher,
  roots: readonly Descriptor[],
): Promise<Descriptor[]> {
  const found = new Map<string, Descriptor>();
  const left = roots.filter(({ mediaType }) => isManifestType(mediaType)).reverse();
  for (let next = left.pop(); next; next = left.pop()) {
    if (found.has(next.digest)) continue;
    if (found.size === MAX_GRAPH_MANIFESTS) {
      throw new OrasError("content", "listing manifests", `more than ${MAX_GRAPH_MANIFESTS}`);
    }
    found.set(next.digest, next);
    if (!isIndexType(next.mediaType)) continue;
    const manifest = await readable(from, next);
    if (manifest?.kind !== "index") continue;
    left.push(...manifest.manifests.filter((entry) => isManifestType(entry.mediaType)).reverse());
  }
  return [...found.values()];
}

/** What refers to `subject` among `manifests` (distribution specification 1.1, listing referrers). */
export async function referrersAmong(
  from: Fetcher,
  manifests: readonly Descriptor[],
  subject: Descriptor,
  artifactType?: string,
): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  for (const { mediaType, digest, size } of manifests) {
    const target = { mediaType, digest, size };
    const manifest = await readable(from, target);
    if (manifest?.subject?.digest !== subject.digest) continue;
    const referrer = asReferrer(target, manifest);
    if (artifactType === undefined || referrer.artifactType === artifactType) found.push(referrer);
  }
  return found;
}

async function readable(from: Fetcher, target: Descriptor): Promise<Manifest | undefined> {
  try {
    return parseManifest(target, await fetchManifest(from, target));
  } catch (error) {
    if (error instanceof OrasError && ["missing", "content"].includes(error.code)) return undefined;
    throw error;
  }
}
