/**
 * Private keys for TLS.
 *
 * @module
 */

import type { KeyObject } from "node:crypto";

/** Fewest bits of an RSA key that the runtime takes. */
export const MIN_RSA_BITS = 2048;

/** Curves that the runtime takes, by their names in X9.62 and SEC 2. */
const CURVES = ["prime256v1", "secp384r1", "secp521r1"];

/** Whether the runtime knows such a key: over any other it ends the whole program. */
export function isTlsKey({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = "" } = asymmetricKeyDetails;
  if (asymmetricKeyType === "rsa") return modulusLength >= MIN_RSA_BITS;
  return asymmetricKeyType === "ed25519" ||
    asymmetricKeyType === "ec" && CURVES.includes(namedCurve);
}
