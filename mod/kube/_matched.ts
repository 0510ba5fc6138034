import { createPrivateKey, X509Certificate } from "node:crypto";
import { isTlsKey } from "../core/mod.ts";

/**
 * Returns where a key is one that the runtime knows, and its certificate's: over any other it ends the
 * whole program.
 *
 * @throws {Error} where it is not.
 */
export function matched({ certificate, key }: { certificate: string; key: string }): void {
  const object = createPrivateKey(key);
  if (!isTlsKey(object)) throw new Error("a key of a kind that is not known here");
  if (!new X509Certificate(certificate).checkPrivateKey(object)) {
    throw new Error("the key is not that of the certificate");
  }
}
