/**
 * Releases on media: files that somebody carries to the node.
 *
 * @module
 */

export type { Artifact, ArtifactBody, ArtifactName, Release, UpdateSource } from "../core/mod.ts";
export * from "./directory_source.ts";
export * from "./medium_source.ts";
