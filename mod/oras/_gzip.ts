/** Gzip (RFC 1952), unpacked as it comes: one member or several. */

import type { Buffer } from "node:buffer";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";

/** Bytes that are unpacked at once. */
const CHUNK_BYTES = 64 << 10;

/** What all members hold, one after the other. */
export function unpackGzip(packed: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  return pipeline(packed, createGunzip({ chunkSize: CHUNK_BYTES }), () => {});
}
