/**
 * Updates from an HTTP server: `latest.json` and the files that it names.
 *
 * @module
 */

export type { Artifact, ArtifactBody, ArtifactName, Release, UpdateSource } from "../core/mod.ts";
export { isWeb, printable } from "./_address.ts";
export { Declined } from "./_get.ts";
export * from "./http_options.ts";
export * from "./http_source.ts";
export * from "./latest.ts";
export * from "./limits.ts";
export type { Tls } from "./tls.ts";
export * from "./web_client.ts";
