/**
 * The ways in which archives of an initramfs are packed, as far as they are taken apart here.
 *
 * @module
 */

import { constants, crc32, inflateRawSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Entry, packCpio } from "./cpio.ts";
import { buildEpoch } from "./epoch.ts";
import { packMember } from "./gzip.ts";

/** What was packed, and where it ended. */
export interface Unpacked {
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** How to take one archive apart, and to make another of the same kind. */
export interface Packing {
  /** The bytes that it begins with. */
  readonly magic: readonly number[];
  /**
   * What is packed in `bytes` from `at` on, one gzip member or one zstd frame; `limit` is the largest
   * size that it may unpack to.
   *
   * @throws {Error} where it breaks off, is damaged or is larger.
   */
  unpack(bytes: Uint8Array, at: number, limit: number): Unpacked;
  /** One archive of `entries`. */
  pack(entries: readonly Entry[]): Promise<Uint8Array>;
}

/** Beyond it, each per cent less takes several times as long. */
const ZSTD_LEVEL = 9;

/** How everything is compressed with zstd. */
export const ZSTD_PARAMETERS = {
  [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
  [constants.ZSTD_c_checksumFlag]: 1,
};

/** Those that kernels of today are built with, and that are taken apart here. */
export const PACKINGS: Readonly<Record<"gzip" | "zstd", Packing>> = {
  gzip: { magic: [0x1f, 0x8b], unpack: unpackGzip, pack: packMember },
  zstd: {
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    unpack: unpackZstd,
    pack: (entries) => Promise.resolve(packZstd(packCpio(entries, buildEpoch()))),
  },
};

/** The flags of a gzip member (RFC 1952, 2.3.1) that the kernel heeds or may ignore. */
const GZIP_FLAGS = { text: 1, name: 8 };

/** One member. The kernel does not look at the sum behind it; here it tells damage from a mistake. */
function unpackGzip(bytes: Uint8Array, at: number, limit: number): Unpacked {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = gzipHeaderEnd(bytes, at);
  const result: unknown = orWords(() =>
    inflateRawSync(bytes.subarray(start), { info: true, maxOutputLength: limit })
  );
  const { buffer, engine } = result as { buffer: Uint8Array; engine: { bytesWritten: number } };
  const sumAt = start + engine.bytesWritten;
  if (sumAt + 8 > bytes.length) throw new Error("it breaks off");
  const [sum, size] = [view.getUint32(sumAt, true), view.getUint32(sumAt + 4, true)];
  if (sum !== crc32(buffer) || size !== buffer.length % 2 ** 32) {
    throw new Error("it is damaged: its checksum is another one");
  }
  return { bytes: buffer, end: sumAt + 8 };
}

/** Behind the header, which the kernel reads as little of as this (lib/decompress_inflate.c). */
function gzipHeaderEnd(bytes: Uint8Array, at: number): number {
  const [method, flags] = [bytes[at + 2], bytes[at + 3]];
  if (method !== 8 || flags & ~(GZIP_FLAGS.text | GZIP_FLAGS.name)) {
    throw new Error("it has a header that the kernel does not read");
  }
  if (!(flags & GZIP_FLAGS.name)) return at + 10;
  const zero = bytes.indexOf(0, at + 10);
  if (zero < 0) throw new Error("it breaks off");
  return zero + 1;
}

function unpackZstd(bytes: Uint8Array, at: number, limit: number): Unpacked {
  const end = zstdFrameEnd(bytes, at);
  const frame = bytes.subarray(at, end);
  return { bytes: orWords(() => zstdDecompressSync(frame, { maxOutputLength: limit })), end };
}

/** One frame. The compressor may put an empty one behind it, which no kernel has to see. */
function packZstd(archive: Uint8Array): Uint8Array {
  const packed = zstdCompressSync(archive, { params: ZSTD_PARAMETERS });
  return packed.subarray(0, zstdFrameEnd(packed, 0));
}

/** Bytes of a frame's dictionary id, and of its content size (RFC 8878, 3.1.1.1). */
const DICTIONARY_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/**
 * Where the frame ends that begins `at`: its blocks say how long they are (RFC 8878, 3.1.1). The
 * decompressor itself takes a frame that breaks off for a whole one.
 */
function zstdFrameEnd(bytes: Uint8Array, at: number): number {
  const descriptor = bytes[at + 4];
  const oneSegment = (descriptor >> 5) & 1;
  const sizeBytes = CONTENT_SIZE_BYTES[descriptor >> 6] || oneSegment;
  let end = at + 5 + (oneSegment ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3] + sizeBytes;
  for (let last = false; !last;) {
    const header = bytes[end] | bytes[end + 1] << 8 | bytes[end + 2] << 16;
    last = (header & 1) === 1;
    const repeated = (header >> 1 & 3) === 1; // one byte stands for the whole block
    end += 3 + (repeated ? 1 : header >> 3);
    if (end > bytes.length) throw new Error("it breaks off");
  }
  end += descriptor & 4 ? 4 : 0; // the checksum
  if (end > bytes.length) throw new Error("it breaks off");
  return end;
}

/** Runs a decompressor; what it complains about in words that say what is wrong with the input. */
function orWords<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "Z_BUF_ERROR") throw new Error("it breaks off", { cause: error });
    if (code === "ERR_BUFFER_TOO_LARGE") {
      throw new Error("it unpacks to more than an initramfs may have", { cause: error });
    }
    throw new Error(`it is damaged: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
