/**
 * Releases of several architectures under one tag.
 *
 * @module
 */

import { ANNOTATION_PREFIX } from "../../mod/oci/mod.ts";
import { type Descriptor, packIndex, pushManifest, type Target } from "../../mod/oras/mod.ts";
import { goName } from "./image.ts";
import { readManifest, statedIn } from "./read_manifest.ts";

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
    const stated = await statedIn(target, await readManifest(target, descriptor));
    const named = stated.said[KEY] || stated.architecture;
    if (!named) throw new Error(`${reference}: wanted an annotation or label ${KEY}, found none`);
    const architecture = goName(named);
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
