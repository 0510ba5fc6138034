/**
 * Omaha 3.0, the update protocol of Flatcar and CoreOS: requests and responses as typed values; a client,
 * which is a source of updates and tells the server how they get on; a server, and the smallest server of
 * all, which offers one package.
 * Bytes from the other side are bounded, and never more than data.
 *
 * @module
 */

export * from "./asked_url.ts";
export * from "./choose_manifests.ts";
export * from "./client.ts";
export * from "./codes.ts";
export * from "./limits.ts";
export * from "./notes.ts";
export * from "./offer.ts";
export * from "./omaha_error.ts";
export * from "./omaha_source.ts";
export * from "./package_bytes.ts";
export * from "./package_server.ts";
export * from "./release_terms.ts";
export * from "./request.ts";
export * from "./response.ts";
export * from "./response_types.ts";
export * from "./server.ts";
export * from "./teller.ts";
