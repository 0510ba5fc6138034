/**
 * Digests, and the one reader that verifies content.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { watched } from "./_watched.ts";
import type { ByteStream, Descriptor } from "./content.ts";
import { OrasError } from "./errors.ts";

const SHA256 = /^sha256:[0-9a-f]{64}$/;

/** Whether `text` is a digest that can be verified here: SHA-256 in lower-case hexadecimal. */
export function isDigest(text: string): boolean {
  return SHA256.test(text);
}

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The descriptor of `bytes`. */
export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/**
 * The same bytes; the stream fails as soon as there is one more than `expected` says, and at the end where
 * there is one less, or where the digest is another. Whoever read it to its end without an error has the
 * content.
 *
 * @throws {OrasError} `content` where the digest is of an algorithm that is not supported, or the size is
 * none.
 */
export function verified(expected: Descriptor, stream: ByteStream): ByteStream {
  const action = `verifying ${expected.digest}`;
  if (!isDigest(expected.digest)) {
    throw new OrasError("content", action, "wanted a sha256 digest");
  }
  if (!Number.isSafeInteger(expected.size) || expected.size < 0) {
    throw new OrasError("content", action, `wanted a size in bytes, found ${expected.size}`);
  }
  const hash = createHash("sha256");
  let size = 0;
  return watched(stream, {
    chunk(bytes) {
      size += bytes.length;
      if (size > expected.size) {
        const found = `more than the ${expected.size} bytes that it has`;
        throw new OrasError("content", action, found);
      }
      hash.update(bytes);
    },
    end() {
      if (size < expected.size) {
        throw new OrasError("content", action, `${size} bytes instead of ${expected.size}`);
      }
      const digest = `sha256:${hash.digest("hex")}`;
      if (digest !== expected.digest) throw new OrasError("content", action, `found ${digest}`);
    },
  });
}

/**
 * All of a stream, verified.
 *
 * @throws {OrasError} `content` where it is not what `expected` says, or is larger than `limit` bytes.
 */
export async function readAll(
  expected: Descriptor,
  stream: ByteStream,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (expected.size > limit) {
    await stream.cancel().catch(() => {});
    const found = `${expected.size} bytes, more than the ${limit} that are read at once`;
    throw new OrasError("content", `reading ${expected.digest}`, found);
  }
  const bytes = new Uint8Array(expected.size);
  let length = 0;
  for await (const part of verified(expected, stream)) {
    bytes.set(part, length);
    length += part.length;
  }
  return bytes;
}
