/**
 * Trust: whose signatures count, and whether they are good. Ed25519 keys and signatures of openssl and
 * minisign.
 *
 * @module
 */

export type { Judgement, RootChain, SignatureFile, Statement, Trust } from "../core/mod.ts";
export * from "./ecdsa.ts";
export * from "./ed25519.ts";
export * from "./key_trust.ts";
export * from "./limits.ts";
export * from "./private_key.ts";
export * from "./public_key.ts";
export * from "./root.ts";
export * from "./root_trust.ts";
export * from "./sign_file.ts";
export * from "./signature_file.ts";
