/**
 * Zstandard (RFC 8878), unpacked as it comes.
 *
 * Node's decoder takes the end of its input for the end of a frame, stops behind the first frame, and
 * has no catchable error for what it finds in a second run over one input. So the frames are followed
 * here, from header to header (sections 3.1.1 and 3.1.2), and the decoder is given one block at a time:
 * that it decodes in its first run, and a block has no more than 128 KiB.
 */

import type { Buffer } from "node:buffer";
import { pipeline } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { concat } from "@std/bytes/concat";
import { ByteReader } from "./_byte_reader.ts";

/** Largest window of a frame in bytes: the decoder keeps as much in memory. `zstd -20` uses that. */
export const MAX_ZSTD_WINDOW_BYTES: number = 32 << 20;

/** Most bytes that a block has, packed or unpacked (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK_BYTES = 128 << 10;

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/** What all frames hold, one after the other; skippable ones hold nothing. */
export async function* unpackZstd(
  packed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(packed, "unpacking zstd");
  do {
    const magic = await reader.exactly(4);
    const number = numberOf(magic);
    if (number >= SKIPPABLE_MAGIC && number < SKIPPABLE_MAGIC + 16) {
      const size = numberOf(await reader.exactly(4));
      await reader.skipTo(reader.position + size);
    } else if (number === MAGIC) {
      const decoder = createZstdDecompress({ chunkSize: 2 * MAX_BLOCK_BYTES });
      const unpacked: AsyncIterable<Buffer> = pipeline(frame(magic, reader), decoder, () => {});
      yield* unpacked;
    } else {
      throw reader.wrong(reader.position > 4 ? "other bytes behind the last frame" : "no frame");
    }
  } while (!await reader.ended());
}

/** The bytes of a frame, block by block. */
async function* frame(magic: Uint8Array, reader: ByteReader): AsyncGenerator<Uint8Array> {
  const [descriptor] = await reader.exactly(1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const fields = await reader.exactly((isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes);
  const window = isSingleSegment
    ? contentSize(fields.subarray(dictionaryBytes))
    : 2 ** (10 + (fields[0] >> 3)) * (1 + (fields[0] & 7) / 8);
  if (window > MAX_ZSTD_WINDOW_BYTES) {
    const found = `a window of ${window} bytes, where at most ${MAX_ZSTD_WINDOW_BYTES} are taken`;
    throw reader.wrong(found);
  }
  yield concat([magic, Uint8Array.of(descriptor), fields]);
  for (let isLast = false; !isLast;) {
    const header = await reader.exactly(3);
    const number = numberOf(header);
    isLast = (number & 1) !== 0;
    const type = (number >> 1) & 3;
    const size = number >> 3;
    if (type === RESERVED_BLOCK || size > MAX_BLOCK_BYTES) throw reader.wrong("no block of zstd");
    yield concat([header, await reader.exactly(type === RLE_BLOCK ? 1 : size)]);
  }
  if ((descriptor & 4) !== 0) yield await reader.exactly(4);
}

/** Frame_Content_Size (RFC 8878, 3.1.1.1.4). */
function contentSize(field: Uint8Array): number {
  return numberOf(field) + (field.length === 2 ? 256 : 0);
}

/** Little-endian; without its lowest bits where it is larger than numbers are exact. */
function numberOf(bytes: Uint8Array): number {
  return bytes.reduceRight((number, byte) => number * 256 + byte, 0);
}
