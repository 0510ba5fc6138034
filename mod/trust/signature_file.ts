/**
 * Files of detached signatures, in the formats that openssl, minisign and `sign` write.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { MAX_SIGNATURE_FILE_BYTES } from "../core/mod.ts";
import { decodeBase64 } from "./_base64.ts";
import { isEcdsaSignature, isStrictDer, P256_POINT_BYTES } from "./ecdsa.ts";
import { isSignature } from "./ed25519.ts";
import { MAX_SIGNATURES, SIGNATURE_BYTES } from "./limits.ts";
import { keyId, type PublicKey } from "./public_key.ts";

/** One signature, not checked yet. */
export interface Signature {
  /** The 64 bytes; of ECDSA a sequence of two numbers in DER. */
  readonly bytes: Uint8Array;
  /** What minisign adds to them. */
  readonly minisign?: {
    /** The key that it says made it. */
    readonly keyId: string;
    /** It is over the BLAKE2b-512 of the message. */
    readonly prehashed: boolean;
    /** Text that is signed as well. */
    readonly trustedComment: Uint8Array;
    /** The signature over signature and trusted comment. */
    readonly global: Uint8Array;
  };
}

const UNTRUSTED_COMMENT = "untrusted comment: ";
const TRUSTED_COMMENT = "trusted comment: ";
const MINISIGN_BYTES = 2 + 8 + SIGNATURE_BYTES;

/**
 * The signatures in a file: 64 bytes as they are, or lines, each with 64 bytes in base64, or with ECDSA's
 * in DER, or minisign's blocks of four lines.
 *
 * @throws {Error} where there is anything else in it, and where it is longer than
 * {@linkcode MAX_SIGNATURE_FILE_BYTES} or has more than {@linkcode MAX_SIGNATURES}.
 */
export function parseSignatures(file: Uint8Array): Signature[] {
  if (file.length === SIGNATURE_BYTES) return [{ bytes: file }];
  if (file.length > MAX_SIGNATURE_FILE_BYTES) {
    throw new Error(`${file.length} bytes, where at most ${MAX_SIGNATURE_FILE_BYTES} are read`);
  }
  const lines = textOf(file).split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) throw new Error("an empty file");
  const signatures: Signature[] = [];
  for (let at = 0; at < lines.length;) {
    if (signatures.length === MAX_SIGNATURES) {
      throw new Error(`more than ${MAX_SIGNATURES} of them`);
    }
    if (lines[at].startsWith(UNTRUSTED_COMMENT)) {
      signatures.push(minisignBlock(lines.slice(at, at + 4)));
      at += 4;
    } else {
      const ecdsa = decodeBase64(lines[at]);
      signatures.push({
        bytes: ecdsa && isStrictDer(ecdsa) ? ecdsa : decoded(lines[at], SIGNATURE_BYTES),
      });
      at++;
    }
  }
  return signatures;
}

/** Whether `key` made this signature over exactly `message`, and what minisign adds is signed as well. */
export function isSignedBy(key: PublicKey, message: Uint8Array, signature: Signature): boolean {
  const { bytes, minisign } = signature;
  if (key.bytes.length === P256_POINT_BYTES) {
    return !minisign && isEcdsaSignature(key.bytes, message, bytes);
  }
  if (!minisign) return isSignature(key.bytes, message, bytes);
  if (minisign.keyId !== key.id) return false;
  const signed = minisign.prehashed ? createHash("blake2b512").update(message).digest() : message;
  const whole = new Uint8Array([...bytes, ...minisign.trustedComment]);
  return isSignature(key.bytes, signed, bytes) && isSignature(key.bytes, whole, minisign.global);
}

function textOf(file: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file);
  } catch {
    throw new Error(
      `${file.length} bytes that are no text; a raw signature has ${SIGNATURE_BYTES}`,
    );
  }
}

/** Four lines: untrusted comment, signature, trusted comment, signature over the two before. */
function minisignBlock([, first, comment, last]: readonly string[]): Signature {
  if (!comment?.startsWith(TRUSTED_COMMENT) || last === undefined) {
    throw new Error("a minisign signature that is not complete");
  }
  const bytes = decoded(first, MINISIGN_BYTES);
  const algorithm = String.fromCharCode(...bytes.subarray(0, 2));
  if (algorithm !== "Ed" && algorithm !== "ED") {
    throw new Error("a minisign signature of an unknown algorithm");
  }
  return {
    bytes: bytes.subarray(10),
    minisign: {
      keyId: keyId(bytes.subarray(2, 10)),
      prehashed: algorithm === "ED",
      trustedComment: new TextEncoder().encode(comment.slice(TRUSTED_COMMENT.length)),
      global: decoded(last, SIGNATURE_BYTES),
    },
  };
}

function decoded(line: string, length: number): Uint8Array {
  const bytes = decodeBase64(line);
  if (bytes?.length === length) return bytes;
  throw new Error(`a line that is no signature in base64`);
}
