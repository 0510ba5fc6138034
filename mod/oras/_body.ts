/**
 * Bodies of answers, on their way.
 *
 * @module
 */

import { CHUNK_BYTES } from "./_bytes.ts";
import { shown } from "./_shown.ts";
import type { ByteStream } from "./content.ts";
import { OrasError } from "./errors.ts";
import { STALL_SECONDS } from "./registry_limits.ts";

// what the runtime says first: before a connection, and once there is one; a URL has no spaces
const REQUEST = /^error sending request (?:for url \(.*?\)|from \S+ for \S+ \(\S*\)): /;

/** What an error says, in one line, without a request's URL: its query may be secret. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return shown(text.replace(REQUEST, ""));
}

/**
 * The same bytes; where they end too early, or do not go on for {@linkcode STALL_SECONDS}, the stream
 * fails with an `unreachable`.
 */
export function guarded(
  body: ByteStream | null,
  action: string,
  signal?: AbortSignal,
  stallSeconds: number = STALL_SECONDS,
): ByteStream {
  const reader = body?.getReader({ mode: "byob" });
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      // straight into the reader's own buffer, where it brought one: big blobs leave nothing to clear away
      const { byobRequest } = controller;
      const view = byobRequest?.view;
      const room = view
        ? new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength)
        : new Uint8Array(CHUNK_BYTES);
      const { value, done } = reader ? await next(reader.read(room)) : { value: room, done: true };
      if (done) controller.close();
      if (byobRequest && value) byobRequest.respondWithNewView(done ? value.subarray(0, 0) : value);
      else if (!done) controller.enqueue(value);
    },
    cancel: (reason) => reader?.cancel(reason),
  };
  async function next<T>(reading: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stalled = new Promise<never>((_, reject) => {
      const found = `nothing came for ${stallSeconds} seconds`;
      timer = setTimeout(
        () => reject(new OrasError("unreachable", action, found)),
        stallSeconds * 1000,
      );
    });
    try {
      return await Promise.race([reading, stalled]);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof OrasError) {
        reader?.cancel().catch(() => {});
        throw error;
      }
      const found = `the answer ended too early: ${reasonOf(error)}`;
      throw new OrasError("unreachable", action, found, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
  return new ReadableStream(source);
}

/** All bytes of a stream, or undefined where there are more than `limit`, in which case it is left. */
export async function readUpTo(
  stream: ByteStream,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  // a part of one byte may lie in memory of many: parts that are kept would be more than their bytes
  const bytes = new ArrayBuffer(0, { maxByteLength: limit });
  for await (const part of stream) {
    const length = bytes.byteLength;
    if (length + part.length > limit) return undefined;
    bytes.resize(length + part.length);
    new Uint8Array(bytes).set(part, length);
  }
  return new Uint8Array(bytes).slice();
}
