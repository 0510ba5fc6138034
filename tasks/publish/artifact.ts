/**
 * A release directory as an OCI artifact.
 *
 * @module
 */

import { ANNOTATION_PREFIX, ARCHITECTURES, LAYER_TERMS } from "../../mod/oci/mod.ts";
import {
  type ByteStream,
  type Descriptor,
  MAX_MANIFEST_BYTES,
  packIndex,
  packManifest,
  parseManifest,
  pushManifest,
  readAll,
  type Target,
} from "../../mod/oras/mod.ts";
import { sha256OfFile } from "../digest.ts";

/** Artifact type of a release's manifest. */
export const RELEASE_TYPE = "application/vnd.kubesolo.os.release.v1";

/** The members of latest.json that become annotations. */
const ANNOTATIONS = [
  "version",
  "channel",
  "architecture",
  "min_compatible_version",
  "release_notes",
  "release_date",
] as const;

/**
 * Resolves with the manifest's descriptor when the release in `directory` (latest.json, vmlinuz,
 * kubesolo-os.gz) is in `target`, tagged where a tag is given.
 *
 * @throws {Error} where the directory is no release; {@linkcode OrasError} where the target does not take
 * it.
 */
export async function publishRelease(
  directory: string,
  target: Target,
  tag?: string,
): Promise<Descriptor> {
  const latest: Record<string, unknown> = JSON.parse(
    await Deno.readTextFile(`${directory}/latest.json`),
  );
  const layers: Descriptor[] = [];
  for (const [mediaType, { artifact: name }] of Object.entries(LAYER_TERMS)) {
    if (name === "image") continue;
    const path = `${directory}/${name}`;
    const { size } = await Deno.stat(path);
    const layer = { mediaType, digest: `sha256:${await sha256OfFile(path)}`, size };
    if (!await target.exists(layer)) await target.push(layer, await streamOfFile(path));
    layers.push(layer);
  }
  const annotations = Object.fromEntries(
    ANNOTATIONS.filter((name) => typeof latest[name] === "string")
      .map((name) => [`${ANNOTATION_PREFIX}${name}`, String(latest[name])]),
  );
  const packed = packManifest({ artifactType: RELEASE_TYPE, layers, annotations });
  await pushManifest(target, packed);
  if (tag !== undefined) await target.tag(packed.descriptor, tag);
  return packed.descriptor;
}

/**
 * Resolves with the index's descriptor when `tag` names an index of the manifests that `references` name,
 * each for the architecture in its own annotation.
 *
 * @throws {Error} where a manifest says no architecture, or two say the same.
 */
export async function publishIndex(
  target: Target,
  references: readonly string[],
  tag: string,
): Promise<Descriptor> {
  const manifests: Descriptor[] = [];
  for (const reference of references) {
    const descriptor = await target.resolve(reference);
    const stream = await target.fetch(descriptor);
    const manifest = parseManifest(
      descriptor,
      await readAll(descriptor, stream, MAX_MANIFEST_BYTES),
    );
    const architecture = manifest.annotations?.[`${ANNOTATION_PREFIX}architecture`];
    if (!architecture) {
      throw new Error(
        `${reference}: wanted an annotation ${ANNOTATION_PREFIX}architecture, found none`,
      );
    }
    const [go = architecture] = Object.entries(ARCHITECTURES)
      .find(([, machine]) => machine === architecture) ?? [];
    if (manifests.some(({ platform }) => platform?.architecture === go)) {
      throw new Error(
        `${reference}: wanted one manifest for each architecture, found two for ${go}`,
      );
    }
    manifests.push({ ...descriptor, platform: { os: "linux", architecture: go } });
  }
  const packed = packIndex({ manifests });
  await pushManifest(target, packed);
  await target.tag(packed.descriptor, tag);
  return packed.descriptor;
}

async function streamOfFile(path: string): Promise<ByteStream> {
  return (await Deno.open(path)).readable;
}
