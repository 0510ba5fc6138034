/**
 * An update server out of one directory: its releases over HTTP and Omaha, its image layouts as a
 * registry, and the nodes that ask for them.
 *
 * @module
 */

export type { Artifact, ArtifactName, Release } from "../core/mod.ts";
export type { Family, MetricType, Sample } from "../metrics/mod.ts";
export type {
  OmahaAppRequest,
  OmahaEventRequest,
  OmahaOs,
  OmahaPingRequest,
  OmahaUpdateCheckRequest,
  ServedFile,
} from "../omaha/mod.ts";
export type {
  CommonManifest,
  Descriptor,
  ImageIndex,
  ImageManifest,
  Manifest,
  Platform,
} from "../oras/mod.ts";
export type { FoundFile } from "./_paths.ts";
export type { Place } from "./_walk.ts";
export * from "./catalogue.ts";
export * from "./choose_release.ts";
export * from "./digest_book.ts";
export * from "./fleet.ts";
export * from "./fleet_families.ts";
export * from "./fleet_store.ts";
export * from "./handler.ts";
export * from "./limits.ts";
export * from "./omaha_updates.ts";
export * from "./registry.ts";
export * from "./release_place.ts";
export * from "./repository_place.ts";
export * from "./status.ts";
export * from "./stored_file.ts";
