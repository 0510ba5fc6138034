/**
 * ECDSA over P-256 with SHA-256: the keys that cosign makes. Of each such signature (r, s) there is a second
 * one, (r, n - s), that anybody can compute: a signature says who signed, and names nothing itself.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, verify } from "node:crypto";

/** Bytes of a point that is not compressed: SEC 1, section 2.3.3. */
export const P256_POINT_BYTES = 65;

/** What comes before the point in SubjectPublicKeyInfo: RFC 5480, section 2. */
export const P256_SPKI_PREFIX: Uint8Array<ArrayBuffer> = Uint8Array.fromHex(
  "3059301306072a8648ce3d020106082a8648ce3d030107034200",
);

/** Most bytes of r, and of s, with the zero that keeps them positive. */
const MAX_INTEGER_BYTES = 33;

/** Why these bytes are no public key that signatures can be checked with; undefined: they are one. */
export function faultOfPoint(point: Uint8Array): string | undefined {
  if (point.length !== P256_POINT_BYTES || point[0] !== 0x04) {
    return "a P-256 key that is not written in full";
  }
  try {
    keyOf(point);
  } catch {
    return "no point of the curve P-256";
  }
}

/** Whether `signature`, in strict DER (X.690, section 10), is one of the key over exactly `message`. */
export function isEcdsaSignature(
  point: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return isStrictDer(signature) && !faultOfPoint(point) &&
    verify("sha256", message, keyOf(point), signature);
}

/** Whether it is a SEQUENCE of two positive INTEGERs in the only way to write them, and nothing behind it. */
export function isStrictDer(signature: Uint8Array): boolean {
  if (signature[0] !== 0x30 || signature[1] !== signature.length - 2) return false;
  const second = afterInteger(signature, 2);
  return second !== undefined && afterInteger(signature, second) === signature.length;
}

function afterInteger(bytes: Uint8Array, at: number): number | undefined {
  const length = bytes[at + 1] ?? 0;
  const [first, next] = bytes.subarray(at + 2);
  const end = at + 2 + length;
  const isInteger = bytes[at] === 0x02 && length >= 1 && length <= MAX_INTEGER_BYTES;
  const isPositive = first < 0x80 && !(first === 0 && (length === 1 || next < 0x80));
  return isInteger && isPositive && end <= bytes.length ? end : undefined;
}

function keyOf(point: Uint8Array): KeyObject {
  const key = Buffer.concat([P256_SPKI_PREFIX, point]);
  return createPublicKey({ key, format: "der", type: "spki" });
}
