/**
 * Omaha 3.0, the update protocol of Flatcar and CoreOS: requests and responses as typed values.
 * Bytes from the other side are bounded, and never more than data.
 *
 * @module
 */

export * from "./codes.ts";
export * from "./limits.ts";
export * from "./request.ts";
export * from "./response.ts";
export * from "./response_types.ts";
