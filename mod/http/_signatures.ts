/**
 * Signatures that lie beside a document.
 *
 * @module
 */

import {
  MAX_ROOT_BYTES,
  MAX_ROOTS_AT_ONCE,
  MAX_SIGNATURE_FILE_BYTES,
  repeatedMember,
  type RootChain,
  type SignatureFile,
  type Statement,
  UpdateError,
} from "../core/mod.ts";
import { printable } from "./_address.ts";
import { Declined, type Requests } from "./_get.ts";
import { type Metadata, readMetadata } from "./_metadata.ts";

/** What is added to a document's address, in the order in which it is asked for: the first that is there counts. */
const SUFFIXES = [".sig", ".minisig"];

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
  for (const suffix of SUFFIXES) {
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
 * Every root that is published beside `latest`, the address of latest.json, has taken over: they are at
 * `trust/N.json`, and the first that is not there ends them.
 *
 * @throws {UpdateError} `verification` where one may not take over.
 */
export async function followRoots(
  latest: URL,
  chain: RootChain,
  requests: Requests,
  seconds: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let asked = 0; asked < MAX_ROOTS_AT_ONCE; asked++) {
    const address = new URL(latest);
    address.pathname = address.pathname.replace(/[^/]*$/, `trust/${chain.next}.json`);
    let root: Metadata;
    try {
      root = await readMetadata(address, requests, seconds, signal, ROOT);
    } catch (error) {
      if (error instanceof Declined) return;
      throw error;
    }
    await chain.extend(await withSignatures(address, root, requests, seconds, signal));
  }
}

/**
 * What is signed must not be read in two ways.
 *
 * @throws {UpdateError} `verification` where an object names a member twice.
 */
export function refuseRepeated({ bytes, url }: Metadata): void {
  const text = new TextDecoder().decode(bytes);
  // what is no JSON gets its complaint from who reads it
  const name = isJson(text) ? repeatedMember(text) : undefined;
  if (name === undefined) return;
  throw new UpdateError("verification", {
    operation: `reading ${printable(url)}`,
    found: `the member ${JSON.stringify(name.slice(0, 40))} twice in one object`,
    advice: "have the release published again, with each member once",
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
