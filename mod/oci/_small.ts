/** What is read before anybody has vouched for it: small, and worth no more than nothing where it is no good. */

import { MAX_SIGNATURE_FILE_BYTES } from "../core/mod.ts";
import {
  type Descriptor,
  type ImageManifest,
  OrasError,
  parseManifest,
  readAll,
  type ReadOnlyTarget,
} from "../oras/mod.ts";
import { MAX_SIGNATURE_MANIFEST_BYTES } from "./release_terms.ts";

/** The manifest; undefined where it is missing, too large, or none of layers. */
export async function smallManifest(
  target: ReadOnlyTarget,
  descriptor: Descriptor,
  signal?: AbortSignal,
): Promise<ImageManifest | undefined> {
  return await unlessNone(async () => {
    const stream = await target.fetch(descriptor, { signal });
    const bytes = await readAll(descriptor, stream, MAX_SIGNATURE_MANIFEST_BYTES);
    const manifest = parseManifest(descriptor, bytes);
    return manifest.kind === "image" ? manifest : undefined;
  });
}

/** The bytes; undefined where they are missing, too many, or others. */
export async function smallBlob(
  target: ReadOnlyTarget,
  descriptor: Descriptor,
  signal?: AbortSignal,
  limit = MAX_SIGNATURE_FILE_BYTES,
): Promise<Uint8Array | undefined> {
  return await unlessNone(async () =>
    await readAll(descriptor, await target.fetch(descriptor, { signal }), limit)
  );
}

/** A signature that is no good counts as absent, so that nobody can spoil the others. */
export async function unlessNone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof OrasError && ["missing", "content"].includes(error.code)) return undefined;
    throw error;
  }
}
