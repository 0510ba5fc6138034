/**
 * Files of signatures, written.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { SIGNATURE_SUFFIXES } from "../core/mod.ts";
import { pem, type PrivateKey } from "./private_key.ts";
import { P256_POINT_BYTES, P256_SPKI_PREFIX } from "./ecdsa.ts";
import { SPKI_PREFIX } from "./ed25519.ts";
import type { PublicKey } from "./public_key.ts";

/** How a signature is written: 64 bytes, a line, or minisign's four. */
export type SignatureFormat = "raw" | "base64" | "minisign";

/** What is added to the name of a file for that of its signatures. */
export function signatureSuffix(format: SignatureFormat): string {
  const [plain, minisign] = SIGNATURE_SUFFIXES;
  return format === "minisign" ? minisign : plain;
}

/**
 * The signature of `key` over exactly `message`: 64 bytes, a line of base64, or minisign's four lines,
 * prehashed as its newer versions write them.
 *
 * @example
 * ```ts
 * import { KeyTrust, PrivateKey, signFile } from "@kubesolo/update/trust";
 * import { assertEquals } from "@std/assert";
 *
 * const key = PrivateKey.generate();
 * const bytes = new TextEncoder().encode("{}");
 * const signature = { name: "latest.json.sig", bytes: signFile(key, bytes, "base64") };
 * const { signedBy } = await new KeyTrust([key.publicKey])
 *   .judge({ name: "latest.json", bytes, signatures: [signature] });
 * assertEquals(signedBy, [key.publicKey.id]);
 * ```
 */
export function signFile(
  key: PrivateKey,
  message: Uint8Array,
  format: SignatureFormat,
  trustedComment = "",
): Uint8Array<ArrayBuffer> {
  if (format === "raw") return key.sign(message);
  if (format === "base64") return new TextEncoder().encode(`${key.sign(message).toBase64()}\n`);
  const { id } = key.publicKey;
  const bytes = key.sign(createHash("blake2b512").update(message).digest());
  const comment = trustedComment.replaceAll(/[\r\n]+/g, " ");
  const global = key.sign(new Uint8Array([...bytes, ...new TextEncoder().encode(comment)]));
  const lines = [
    `untrusted comment: signature from key ${id}`,
    new Uint8Array([...letters("ED"), ...numberOf(id), ...bytes]).toBase64(),
    `trusted comment: ${comment}`,
    global.toBase64(),
    "",
  ];
  return new TextEncoder().encode(lines.join("\n"));
}

/** A public key as openssl and cosign read it: SubjectPublicKeyInfo in PEM. */
export function publicKeyPem({ bytes }: PublicKey): string {
  const prefix = bytes.length === P256_POINT_BYTES ? P256_SPKI_PREFIX : SPKI_PREFIX;
  return pem("PUBLIC KEY", new Uint8Array([...prefix, ...bytes]));
}

/** A public key as minisign writes and reads it. */
export function publicKeyMinisign({ id, bytes }: PublicKey): string {
  const word = new Uint8Array([...letters("Ed"), ...numberOf(id), ...bytes]).toBase64();
  // for minisign the id is a number: no zeros in front
  return `untrusted comment: minisign public key ${id.replace(/^0+/, "")}\n${word}\n`;
}

function letters(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The 8 bytes behind an id as it is shown. */
function numberOf(id: string): Uint8Array {
  return Uint8Array.fromHex(id).reverse();
}
