/**
 * Signatures that lie beside a document.
 *
 * @module
 */

import {
  MAX_ROOT_BYTES,
  MAX_SIGNATURE_FILE_BYTES,
  SIGNATURE_SUFFIXES,
  type SignatureFile,
  type Statement,
} from "../core/mod.ts";
import { printable } from "./_address.ts";
import { Declined, type Requests } from "./_get.ts";
import { type Metadata, readMetadata } from "./_metadata.ts";

const ROOT = { kind: "a root of trust", limit: MAX_ROOT_BYTES };

const SIGNATURES = { kind: "a file of signatures", limit: MAX_SIGNATURE_FILE_BYTES };

/**
 * The document with the signatures beside `asked`, the address that it was asked for at.
 *
 * @throws {UpdateError} as {@linkcode readMetadata} does; a server that has no such file is no error.
 */
export async function withSignatures(
  asked: URL,
  { bytes, url }: Metadata,
  requests: Requests,
  seconds: number,
  signal?: AbortSignal,
): Promise<Statement> {
  const name = printable(url);
  const missing: string[] = [];
  for (const suffix of SIGNATURE_SUFFIXES) {
    const beside = new URL(asked);
    beside.pathname += suffix;
    try {
      const file = await readMetadata(beside, requests, seconds, signal, SIGNATURES);
      const signature: SignatureFile = { name: printable(file.url), bytes: file.bytes };
      return { name, bytes, signatures: [signature] };
    } catch (error) {
      if (!(error instanceof Declined)) throw error;
      missing.push(`${printable(beside)} (${error.status})`);
    }
  }
  return { name, bytes, signatures: [], missing };
}

/**
 * The root of this version that is published beside `latest`, the address of latest.json, at
 * `trust/N.json`; undefined where there is none.
 */
export async function findRoot(
  latest: URL,
  version: number,
  requests: Requests,
  seconds: number,
  signal?: AbortSignal,
): Promise<Statement | undefined> {
  const address = new URL(latest);
  address.pathname = address.pathname.replace(/[^/]*$/, `trust/${version}.json`);
  let root: Metadata;
  try {
    root = await readMetadata(address, requests, seconds, signal, ROOT);
  } catch (error) {
    if (error instanceof Declined) return undefined;
    throw error;
  }
  return await withSignatures(address, root, requests, seconds, signal);
}
