/**
 * A small document, read whole, within a time and a size.
 *
 * @module
 */

import { reasonOf, UpdateError } from "../core/mod.ts";
import { printable } from "./_address.ts";
import { contentLength } from "./_content_range.ts";
import { get, type Requests, Unavailable } from "./_get.ts";
import { MAX_METADATA_BYTES } from "./limits.ts";

/** A document, and the URL behind all redirects that gave it. */
export interface Metadata {
  readonly bytes: Uint8Array;
  readonly url: URL;
}

/** What a document is, and how many bytes it may have. */
export interface DocumentKind {
  readonly kind: string;
  readonly limit: number;
}

const LATEST: DocumentKind = { kind: "a latest.json", limit: MAX_METADATA_BYTES };

/**
 * Resolves with the whole document. Of one that is too long, no more than one chunk beyond its limit
 * is read.
 *
 * @throws {UpdateError} `verification` where it is too long, else as `get` does.
 */
export async function readMetadata(
  start: URL,
  requests: Requests,
  seconds: number,
  signal?: AbortSignal,
  kind: DocumentKind = LATEST,
): Promise<Metadata> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), seconds * 1000);
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  try {
    const { response, url } = await get(start, requests, () => ({}), either);
    return { bytes: await readBounded(response, url, kind), url };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UpdateError || error instanceof Unavailable) throw error;
    const found = late.signal.aborted
      ? `it did not arrive within ${seconds} seconds`
      : reasonOf(error);
    throw new Unavailable(`${printable(start)}: ${found}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** All of a body; undefined where it is longer than `limit`. No more than one chunk beyond it is read. */
export async function readUpTo(
  response: Response,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  // a part of one byte may lie in memory of many: parts that are kept would be more than their bytes
  const bytes = new ArrayBuffer(0, { maxByteLength: limit });
  let tooLong = (contentLength(response.headers) ?? 0) > limit;
  if (response.body && !tooLong) {
    const reader = response.body.getReader();
    while (true) {
      const { value, done } = await reader.read();
      if (done) break;
      const length = bytes.byteLength;
      tooLong = length + value.length > limit;
      if (tooLong) break;
      bytes.resize(length + value.length);
      new Uint8Array(bytes).set(value, length);
    }
    reader.releaseLock();
  }
  await response.body?.cancel().catch(() => {});
  return tooLong ? undefined : new Uint8Array(bytes).slice();
}

async function readBounded(
  response: Response,
  url: URL,
  { kind, limit }: DocumentKind,
): Promise<Uint8Array> {
  const bytes = await readUpTo(response, limit);
  if (bytes && response.status === 200) return bytes;
  throw new UpdateError("verification", {
    operation: `reading ${printable(url)}`,
    found: bytes
      ? `the answer ${response.status} where 200 was wanted`
      : `more than the ${limit} bytes that ${kind} may have`,
    advice: `see that it is the address of ${kind}`,
  });
}
