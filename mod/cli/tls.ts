/**
 * The private authority and the node's own certificate, from PEM files.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { type Disk, isTlsKey, MIN_RSA_BITS, reasonOf, UpdateError } from "../core/mod.ts";
import type { Tls } from "../http/mod.ts";
import { SCOPE, scopedPath } from "./scope.ts";
import { readSmallText } from "./small_text.ts";

/** PEM files. */
export interface TlsFiles {
  /** Authorities that are trusted besides the usual ones. */
  readonly caFile?: string;
  /** What the node presents; its own certificate comes first. */
  readonly clientCert?: string;
  /** That certificate's private key. */
  readonly clientKey?: string;
}

/** Most bytes of one file: the authorities of a whole system are 250 kB. */
export const MAX_PEM_BYTES = 1 << 20;

const ADVICE = `name the right PEM file, inside ${SCOPE.read[0]}`;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[^-]+-----END \1-----/g;

/**
 * What is in the files, each looked at: the runtime ends the whole program over a key that does not fit
 * its certificate, or that it does not know.
 *
 * @throws {UpdateError} `usage`, naming the file, where one lies outside of the scope or is no good; and
 * where certificate or key is given alone.
 */
export async function readTls(
  disk: Disk,
  { caFile, clientCert, clientKey }: TlsFiles,
): Promise<Tls> {
  const caCerts = caFile === undefined ? [] : await readAuthorities(disk, caFile);
  if (clientCert === undefined && clientKey === undefined) return { caCerts };
  if (clientCert === undefined || clientKey === undefined) {
    const [given, lacking] = clientCert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new UpdateError("usage", {
      operation: "reading the node's own certificate",
      found: `--client-${given} without --client-${lacking}`,
      advice: "give both, or client_cert= and client_key= in update.conf",
    });
  }
  const chain = await readCertificates(disk, "--client-cert", clientCert);
  const { pem: key, object } = await readKey(disk, clientKey);
  if (!chain[0].certificate.checkPrivateKey(object)) {
    throw unusable(clientKey, `another key than that of the first certificate in ${clientCert}`);
  }
  return { caCerts, cert: chain.map(({ pem }) => pem).join("\n"), key };
}

/** The runtime is asked, which takes no certificate of the first version of X.509, for example. */
async function readAuthorities(disk: Disk, path: string): Promise<string[]> {
  const caCerts = (await readCertificates(disk, "--ca-file", path)).map(({ pem }) => pem);
  try {
    Deno.createHttpClient({ caCerts }).close();
  } catch (cause) {
    throw unusable(path, `a certificate that is none of an authority: ${reasonOf(cause)}`, cause);
  }
  return caCerts;
}

async function readCertificates(disk: Disk, flag: string, path: string) {
  const found = (await readPem(disk, flag, path)).match(CERTIFICATE) ?? [];
  if (found.length === 0) throw unusable(path, "no certificate in PEM");
  return found.map((pem, at) => {
    try {
      return { pem, certificate: new X509Certificate(pem) };
    } catch (cause) {
      const which = found.length > 1 ? `, number ${at + 1} of ${found.length},` : "";
      throw unusable(path, `a certificate${which} that cannot be read`, cause);
    }
  });
}

async function readKey(disk: Disk, path: string): Promise<{ pem: string; object: KeyObject }> {
  const [pem, ...more] = (await readPem(disk, "--client-key", path)).match(PRIVATE_KEY) ?? [];
  if (pem === undefined || more.length > 0) {
    const found = pem === undefined ? "no unencrypted private key in PEM" : "several private keys";
    throw unusable(path, found);
  }
  let object: KeyObject;
  try {
    object = createPrivateKey(pem);
  } catch (cause) {
    throw unusable(path, "a private key that cannot be read", cause);
  }
  if (!isTlsKey(object)) {
    throw unusable(
      path,
      `a key that is none of RSA (${MIN_RSA_BITS} bits), P-256, P-384, P-521 and Ed25519`,
    );
  }
  return { pem, object };
}

async function readPem(disk: Disk, flag: string, path: string): Promise<string> {
  return await readSmallText(disk, await scopedPath(flag, path, "read"), MAX_PEM_BYTES, ADVICE);
}

function unusable(path: string, found: string, cause?: unknown): UpdateError {
  return new UpdateError("usage", {
    operation: `reading ${path}`,
    found,
    advice: ADVICE,
    cause,
  });
}
