/**
 * Releases of several architectures under one tag.
 *
 * @module
 */

import {
  ANNOTATION_PREFIX,
  CONFIG_TYPES,
  MAX_CONFIG_BYTES,
  parseImageConfig,
} from "../../mod/oci/mod.ts";
import {
  type Descriptor,
  type Manifest,
  MAX_MANIFEST_BYTES,
  packIndex,
  parseManifest,
  pushManifest,
  readAll,
  type Target,
} from "../../mod/oras/mod.ts";
import { goName } from "./image.ts";

const KEY = `${ANNOTATION_PREFIX}architecture`;

/**
 * Resolves with the index's descriptor when there is an index of the manifests that `references` name,
 * each for the architecture that it says, tagged where a tag is given.
 *
 * @throws {Error} where a manifest says no architecture, or two say the same.
 */
export async function publishIndex(
  target: Target,
  references: readonly string[],
  tag?: string,
): Promise<Descriptor> {
  const manifests: Descriptor[] = [];
  for (const reference of references) {
    const descriptor = await target.resolve(reference);
    const bytes = await readAll(descriptor, await target.fetch(descriptor), MAX_MANIFEST_BYTES);
    const stated = await architectureOf(parseManifest(descriptor, bytes), target);
    if (!stated) throw new Error(`${reference}: wanted an annotation or label ${KEY}, found none`);
    const architecture = goName(stated);
    if (manifests.some(({ platform }) => platform?.architecture === architecture)) {
      throw new Error(
        `${reference}: wanted one manifest for each architecture, found two for ${architecture}`,
      );
    }
    manifests.push({ ...descriptor, platform: { os: "linux", architecture } });
  }
  const packed = packIndex({ manifests });
  await pushManifest(target, packed);
  if (tag !== undefined) await target.tag(packed.descriptor, tag);
  return packed.descriptor;
}

/** What its annotations say, or a container image's labels, or else its configuration. */
async function architectureOf(manifest: Manifest, target: Target): Promise<string | undefined> {
  const annotated = manifest.annotations?.[KEY];
  if (annotated || manifest.kind === "index") return annotated;
  const { config } = manifest;
  if (!CONFIG_TYPES.includes(config.mediaType)) return undefined;
  const bytes = await readAll(config, await target.fetch(config), MAX_CONFIG_BYTES);
  const { labels, architecture } = parseImageConfig(config, bytes);
  return labels[KEY] ?? architecture;
}
