/**
 * Media types of manifests, and what kind each is.
 *
 * @module
 */

/** An OCI image manifest (image specification 1.1, manifest.md). */
export const IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** An OCI image index (image specification 1.1, image-index.md). */
export const IMAGE_INDEX = "application/vnd.oci.image.index.v1+json";
/** Docker's image manifest, version 2, schema 2. */
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
/** Docker's list of manifests. */
export const DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
/** The empty JSON object, for configurations that say nothing (image specification 1.1, manifest.md). */
export const EMPTY_JSON = "application/vnd.oci.empty.v1+json";

/** All kinds of manifest, in the order in which a registry is asked for them. */
export const MANIFEST_TYPES: readonly string[] = [
  IMAGE_MANIFEST,
  IMAGE_INDEX,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
];

/** Whether content of this type is a manifest, which registries keep apart from blobs. */
export function isManifestType(mediaType: string): boolean {
  return MANIFEST_TYPES.includes(mediaType);
}

/** Whether content of this type lists manifests. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === IMAGE_INDEX || mediaType === DOCKER_MANIFEST_LIST;
}

/** Layers that only their publisher hands out (image specification 1.1, layer.md, non-distributable). */
const FOREIGN_LAYER =
  /^application\/vnd\.(oci\.image\.layer\.nondistributable\.v1\.tar(\+gzip|\+zstd)?|docker\.image\.rootfs\.foreign\.diff\.tar(\.gzip)?)$/;

/** Whether a registry has such a layer by its address alone, so that a copy leaves it out. */
export function isForeignLayer(mediaType: string): boolean {
  return FOREIGN_LAYER.test(mediaType);
}
