/**
 * Releases as OCI artifacts, and the source that takes updates from them.
 *
 * @module
 */

export type { Artifact, ArtifactBody, ArtifactName, Release, UpdateSource } from "../core/mod.ts";
export type { ByteStream, CommonManifest, Descriptor, Fetcher, FetchOptions } from "../oras/mod.ts";
export type { ImageIndex, ImageManifest, Platform, ReadOnlyTarget } from "../oras/mod.ts";
export type { ReferrerLister, Resolver } from "../oras/mod.ts";
export * from "./choose_manifest.ts";
export * from "./container_image.ts";
export * from "./oci_source.ts";
export * from "./release_of.ts";
export * from "./release_terms.ts";
