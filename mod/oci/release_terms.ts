/**
 * The words that releases are described with: media types, and names of annotations and labels.
 *
 * @module
 */

import type { ArtifactName } from "../core/mod.ts";
import type { Packing } from "../oras/mod.ts";

/** What a layer of a certain media type holds. */
export interface LayerTerms {
  /** The artifact. */
  readonly artifact: ArtifactName;
  /** How it is packed. What is packed needs annotations with size and digest of the artifact itself. */
  readonly packing: Packing;
}

/** Type of the manifest of a release in the form of an artifact. */
export const RELEASE_TYPE = "application/vnd.kubesolo.os.release.v1";

/** Type of the kernel. */
export const KERNEL_TYPE = "application/vnd.kubesolo.os.kernel.v1+octet-stream";

/** Type of the initramfs; the packing is the artifact's own: the slot has it as it is. */
export const INITRAMFS_TYPE = "application/vnd.kubesolo.os.initramfs.v1+gzip";

/** Type of a whole partition image, as it is. */
export const SLOT_TYPE = "application/vnd.kubesolo.os.slot.v1+octet-stream";

/** Type of a whole partition image in zstd. */
export const ZSTD_SLOT_TYPE = "application/vnd.kubesolo.os.slot.v1+zstd";

/** Layers of a release in the form of an artifact, by media type. */
export const LAYER_TERMS: Readonly<Record<string, LayerTerms>> = {
  [KERNEL_TYPE]: { artifact: "vmlinuz", packing: "none" },
  [INITRAMFS_TYPE]: { artifact: "kubesolo-os.gz", packing: "none" },
  [SLOT_TYPE]: { artifact: "image", packing: "none" },
  [ZSTD_SLOT_TYPE]: { artifact: "image", packing: "zstd" },
};

/** Where the files of a release lie in a container image, without the slash at the beginning. */
export const IMAGE_PATHS: Readonly<Partial<Record<ArtifactName, string>>> = {
  "vmlinuz": "boot/vmlinuz",
  "kubesolo-os.gz": "boot/kubesolo-os.gz",
};

/** What annotations and labels with size and digest of an artifact begin with: `image.sha256`, `image.size`. */
export const CONTENT_KEYS: Readonly<Record<ArtifactName, string>> = {
  "vmlinuz": "vmlinuz",
  "kubesolo-os.gz": "initramfs",
  "image": "image",
};

/** What the names of annotations and labels begin with. */
export const ANNOTATION_PREFIX = "io.kubesolo.os.";

/** Most characters of one annotation or label that are read. */
export const MAX_ANNOTATION_LENGTH = 64 << 10;

/** Largest artifact in bytes, before anybody asks the slot: 1 TiB. */
export const MAX_ARTIFACT_BYTES: number = 2 ** 40;

/** Type of the manifest, and of its layers, that has signatures over the manifest that it refers to. */
export const SIGNATURE_TYPE = "application/vnd.kubesolo.os.signature.v1";

/** Type of what cosign signs: a few lines of JSON with the digest of a manifest. */
export const COSIGN_PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** What such a payload says that it is. */
export const COSIGN_TYPE = "cosign container image signature";

/** Where cosign has the signature of a layer, in base64. */
export const COSIGN_ANNOTATION = "dev.cosignproject.cosign/signature";

/** The tag that cosign puts the signatures of the manifest with this digest under. */
export function cosignTag(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}

/** Most manifests of signatures that are looked at, of one manifest. */
export const MAX_SIGNATURE_MANIFESTS = 16;

/** Most layers of each of them. */
export const MAX_SIGNATURE_LAYERS = 2;

/** Largest manifest of signatures in bytes. */
export const MAX_SIGNATURE_MANIFEST_BYTES: number = 64 << 10;

/** Most layers with cosign's signatures of one manifest. */
export const MAX_COSIGN_LAYERS = 16;

/** Tags of roots of trust: `trust-N`. */
export const ROOT_TAG = /^trust-\d+$/;

/** The tag of the root of trust that has this version. */
export function rootTag(version: number): string {
  return `trust-${version}`;
}

/** Type of the layer that holds a root of trust, under {@linkcode rootTag}; its signatures are layers beside it. */
export const ROOT_TYPE = "application/vnd.kubesolo.os.trust.v1+json";

/** Most layers with signatures of one root. */
export const MAX_ROOT_SIGNATURE_LAYERS = 8;
