/** Bytes in memory, as streams and from them. */

import type { ByteStream } from "./content.ts";

/** Bytes per chunk of content that comes from memory or a file. */
export const CHUNK_BYTES = 64 * 1024;

/** A byte stream of a copy of `bytes`, chunk by chunk: readers take chunks away from their owners. */
export function streamOf(bytes: Uint8Array, signal?: AbortSignal): ByteStream {
  let offset = 0;
  const source: UnderlyingByteSource = {
    type: "bytes",
    pull(controller) {
      signal?.throwIfAborted();
      if (offset === bytes.length) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      // not `slice`, which of a Buffer is a view
      const chunk = new Uint8Array(bytes.subarray(offset, offset + CHUNK_BYTES));
      offset += chunk.length;
      controller.enqueue(chunk);
    },
  };
  return new ReadableStream(source);
}

/** The stream of content that was given as a stream or as bytes. */
export function asStream(content: ByteStream | Uint8Array<ArrayBuffer>): ByteStream {
  return content instanceof Uint8Array ? streamOf(content) : content;
}

/** Content that nobody wants is not sent. */
export async function discard(content: ByteStream | Uint8Array<ArrayBuffer>): Promise<void> {
  if (!(content instanceof Uint8Array)) await content.cancel().catch(() => {});
}
