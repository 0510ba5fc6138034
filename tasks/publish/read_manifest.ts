/**
 * Manifests of releases that are published already.
 *
 * @module
 */

import { CONFIG_TYPES, MAX_CONFIG_BYTES, parseImageConfig } from "../../mod/oci/mod.ts";
import {
  type Descriptor,
  type Fetcher,
  type Manifest,
  MAX_MANIFEST_BYTES,
  parseManifest,
  readAll,
} from "../../mod/oras/mod.ts";

/** What a release says of itself. */
export interface Stated {
  /** A container image's labels, and annotations before them. */
  readonly said: Readonly<Record<string, string>>;
  /** A container image's, in Go's words. */
  readonly architecture?: string;
}

/** The manifest that the descriptor is of. */
export async function readManifest(from: Fetcher, descriptor: Descriptor): Promise<Manifest> {
  const bytes = await readAll(descriptor, await from.fetch(descriptor), MAX_MANIFEST_BYTES);
  return parseManifest(descriptor, bytes);
}

/** What the manifest says, and a container image's configuration. */
export async function statedIn(from: Fetcher, manifest: Manifest): Promise<Stated> {
  const { annotations = {} } = manifest;
  if (manifest.kind === "index" || !CONFIG_TYPES.includes(manifest.config.mediaType)) {
    return { said: annotations };
  }
  const { config } = manifest;
  const bytes = await readAll(config, await from.fetch(config), MAX_CONFIG_BYTES);
  const { labels, architecture } = parseImageConfig(config, bytes);
  return { said: { ...labels, ...annotations }, architecture };
}
