/**
 * Releases of several architectures under one name.
 *
 * @module
 */

import { unameOf } from "../core/mod.ts";
import { type Descriptor, type ImageIndex, isIndexType } from "../oras/mod.ts";
import { refuse } from "./_metadata.ts";

/**
 * The manifest in `index` for a machine of `architecture` (as `uname -m` says it).
 *
 * @throws {UpdateError} `verification` where there is none, more than one, or it is an index again.
 */
export function chooseManifest(
  index: ImageIndex,
  architecture: string,
  name: string,
): Descriptor {
  const platformOf = ({ platform }: Descriptor) => platform && unameOf(platform.architecture);
  const fitting = index.manifests.filter((entry) => platformOf(entry) === architecture);
  const [chosen] = fitting;
  if (fitting.length === 1 && !isIndexType(chosen.mediaType)) return chosen;
  const listed = [...new Set(index.manifests.map((entry) => platformOf(entry) ?? "no platform"))];
  const found = fitting.length > 1
    ? `${fitting.length} manifests for ${architecture}, where one was wanted`
    : chosen
    ? "an index inside the index, where a manifest was wanted"
    : `an index for ${listed.join(", ") || "nothing"}, and nothing for ${architecture}`;
  throw refuse(name, found, "publish one manifest for each architecture");
}
