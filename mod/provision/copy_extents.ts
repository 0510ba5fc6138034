/**
 * Copying an image's bytes to a medium, and comparing them there.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, type Hash } from "node:crypto";
import { type DiskFile, readInto, UpdateError } from "../core/mod.ts";
import type { Extent } from "./fit_table.ts";
import type { Medium } from "./medium.ts";
import { sizeForPeople } from "./size_for_people.ts";

/** Bytes that are written, and compared, at once. */
const CHUNK_BYTES = 4 << 20;

/** Chunks that are written between two syncs: one at the very end would be a long wait without a word. */
const SYNC_EVERY = 8;

const ZEROS = new Uint8Array(CHUNK_BYTES);

/** What is being done to a medium, in this order; `fill` is what the caller does. */
export type WriteStep = "test" | "write" | "verify" | "fill" | "finish";

/** Told how far a step is, in bytes; `total` is 0 where nobody knows how much there is to do. */
export type WriteProgress = (step: WriteStep, done: number, total: number) => void;

/** An image to write. */
export interface DiskImage {
  /** For messages. */
  readonly name: string;
  /** Open for reading. */
  readonly file: DiskFile;
}

/** How {@linkcode copyExtents} is followed and stopped. */
export interface CopyOptions {
  /** Called after each chunk. */
  readonly progress?: WriteProgress;
  /** Stops it between two chunks. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves when `extents` of the image lie at the same places of the medium, durable, read back and the
 * same. The image is read once.
 *
 * @throws {UpdateError} `usage` where the image ends too early, `verification` where the medium gives back
 * other bytes than were written.
 */
export async function copyExtents(
  image: DiskImage,
  medium: Medium,
  extents: readonly Extent[],
  { progress = () => {}, signal }: CopyOptions = {},
): Promise<void> {
  const total = extents.reduce((sum, { size }) => sum + size, 0);
  const digests = new Map<Extent, string[]>();
  let done = 0;
  for (const extent of extents) {
    const own: string[] = [];
    digests.set(extent, own);
    for (const { offset, size } of chunksOf(extent)) {
      signal?.throwIfAborted();
      const bytes = readChunk(image, offset, size);
      if (!medium.blank || !isZero(bytes)) medium.write(offset, bytes);
      own.push(digestOf(bytes));
      progress("write", done += size, total);
      if (own.length % SYNC_EVERY === 0) await medium.sync();
      // signals get their turn
      else await new Promise((resolve) => setTimeout(resolve));
    }
  }
  await medium.sync();
  done = 0;
  for (const [extent, own] of digests) {
    for await (const size of compare(medium, extent, own)) {
      signal?.throwIfAborted();
      progress("verify", done += size, total);
    }
  }
}

/**
 * Resolves when the medium gives back `bytes` at `offset`.
 *
 * @throws {UpdateError} `verification` where it does not.
 */
export async function expectBytes(
  medium: Medium,
  offset: number,
  bytes: Uint8Array,
): Promise<void> {
  const extent = { offset, size: bytes.length };
  const digests = Array.from(
    chunksOf({ offset: 0, size: bytes.length }),
    (chunk) => digestOf(bytes.subarray(chunk.offset, chunk.offset + chunk.size)),
  );
  for await (const _ of compare(medium, extent, digests));
}

/** The same stretch in pieces. */
export function* chunksOf({ offset, size }: Extent): Iterable<Extent> {
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    yield { offset: offset + at, size: Math.min(CHUNK_BYTES, size - at) };
  }
}

/** Whether at most 4 MiB are all zeros. */
export function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0;
}

function readChunk({ file, name }: DiskImage, offset: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  file.seek(offset);
  if (readInto(file, bytes) === size) return bytes;
  throw new UpdateError("usage", {
    operation: `reading ${name}`,
    found: `its end before ${sizeForPeople(offset + size)}`,
    advice: "fetch or build the image again",
  });
}

/** The sizes of the chunks that read back as they were written, as they come. */
async function* compare(
  medium: Medium,
  extent: Extent,
  digests: readonly string[],
): AsyncIterable<number> {
  const chunks = [...chunksOf(extent)];
  let at = 0;
  let left = chunks[0].size;
  let hash: Hash = createHash("sha256");
  for await (let bytes of medium.readBack(extent.offset, extent.size)) {
    while (bytes.length > 0 && at < chunks.length) {
      const part = bytes.subarray(0, left);
      hash.update(part);
      bytes = bytes.subarray(part.length);
      left -= part.length;
      if (left > 0) continue;
      if (hash.digest("hex") !== digests[at]) throw differs(medium, chunks[at]);
      yield chunks[at].size;
      hash = createHash("sha256");
      left = chunks[++at]?.size ?? 0;
    }
  }
  if (at < chunks.length) throw differs(medium, chunks[at]);
}

function differs(medium: Medium, { offset, size }: Extent): UpdateError {
  return new UpdateError("verification", {
    operation: `reading ${medium.name} back`,
    found: `other bytes than were written, in the ${sizeForPeople(size)} at ${
      sizeForPeople(offset)
    }`,
    advice: "it is worn out, or holds less than it says: use another one",
  });
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
