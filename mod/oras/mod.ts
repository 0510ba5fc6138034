/**
 * OCI registries and image layouts: what oras-go v2 does for artifacts, for Deno. It knows nothing of
 * what the artifacts are for.
 *
 * @module
 */

export * from "./challenge.ts";
export * from "./content.ts";
export * from "./copy.ts";
export * from "./credentials.ts";
export * from "./digest.ts";
export * from "./errors.ts";
export * from "./layer_content.ts";
export * from "./layout.ts";
export * from "./layout_files.ts";
export * from "./manifest.ts";
export * from "./media_types.ts";
export * from "./memory.ts";
export * from "./pack.ts";
export * from "./reference.ts";
export * from "./registry_client.ts";
export * from "./registry_limits.ts";
export * from "./repository.ts";
export * from "./tar_layout.ts";
export * from "./tar_stream.ts";
