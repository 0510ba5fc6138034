import { createPrivateKey, X509Certificate } from "node:crypto";

/** What the runtime's TLS makes signatures on, and keys of RSA that are long enough for it. */
const CURVES = ["prime256v1", "secp384r1", "secp521r1"];
const MIN_RSA_BITS = 2048;

/**
 * Returns where a key is one that the runtime knows, and its certificate's: over any other it ends the
 * whole program.
 *
 * @throws {Error} where it is not.
 */
export function matched({ certificate, key }: { certificate: string; key: string }): void {
  const object = createPrivateKey(key);
  const { modulusLength = 0, namedCurve = "" } = object.asymmetricKeyDetails ?? {};
  const known = {
    rsa: modulusLength >= MIN_RSA_BITS,
    ec: CURVES.includes(namedCurve),
    ed25519: true,
  }[object.asymmetricKeyType as string];
  if (!known) throw new Error("a key of a kind that is not known here");
  if (!new X509Certificate(certificate).checkPrivateKey(object)) {
    throw new Error("the key is not that of the certificate");
  }
}
