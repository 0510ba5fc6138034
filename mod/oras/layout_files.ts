/**
 * Names in image layouts.
 *
 * @module
 */

/** Says that this is a layout (OCI image specification 1.1, image-layout.md). */
export const LAYOUT_FILE = "oci-layout";
/** The only version of layouts that there is. */
export const LAYOUT_VERSION = "1.0.0";
/** Names its manifests. */
export const INDEX_FILE = "index.json";
/** Directory of its content. */
export const BLOBS = "blobs/sha256";
/** The annotation in the index that is a tag (OCI image specification 1.1, annotations.md). */
export const REF_NAME = "org.opencontainers.image.ref.name";
