/**
 * Ed25519, as strict as it can be: one key, one signature, no second way of writing either.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, verify } from "node:crypto";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "./limits.ts";

/** The field's prime, and the order of the base point: RFC 8032, section 5.1. */
const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** Twisted Edwards curve constant d = -121665/121666. */
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/**
 * The y of every point whose order divides 8. With such a key anybody can make signatures, and the
 * runtime's verification takes them.
 */
const SMALL_ORDER: readonly bigint[] = [
  0n,
  1n,
  P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  P - 2707385501144840649318225287225658788936804267575313519463743609750303402022n,
];

/** What comes before the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo: RFC 8410, section 4. */
export const SPKI_PREFIX: Uint8Array<ArrayBuffer> = Uint8Array.fromHex("302a300506032b6570032100");

/** Why these bytes are no public key that signatures can be checked with; undefined: they are one. */
export function faultOfKey(bytes: Uint8Array): string | undefined {
  if (bytes.length !== PUBLIC_KEY_BYTES) {
    return `${bytes.length} bytes, where an Ed25519 key has ${PUBLIC_KEY_BYTES}`;
  }
  return faultOfPoint(bytes);
}

/**
 * Whether `signature` is one of `key` over exactly `message`: RFC 8032, section 5.1.7, and besides no
 * point of small order, no coordinate beyond the prime, no scalar beyond the order.
 */
export function isSignature(
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== SIGNATURE_BYTES || faultOfKey(key)) return false;
  if (faultOfPoint(signature.subarray(0, 32))) return false;
  if (littleEndian(signature.subarray(32)) >= ORDER) return false;
  const spki = Buffer.concat([SPKI_PREFIX, key]);
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  return verify(null, message, publicKey, signature);
}

function faultOfPoint(bytes: Uint8Array): string | undefined {
  const y = littleEndian(bytes) & (2n ** 255n - 1n);
  if (y >= P) return "a point that is written in a second way";
  if (SMALL_ORDER.includes(y)) return "a point of small order, for which anybody can sign";
  // x² = (y² - 1) / (d y² + 1) has a root where numerator times denominator has one
  const square = (y * y) % P;
  const product = ((square - 1n + P) * (D * square + 1n)) % P;
  return power(product, (P - 1n) / 2n) === 1n ? undefined : "no point of the curve";
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toReversed().toHex()}`);
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
