/**
 * Bodies of answers, on their way.
 *
 * @module
 */

import { shown } from "./_shown.ts";
import type { ByteStream } from "./content.ts";
import { OrasError } from "./errors.ts";
import { STALL_SECONDS } from "./registry_limits.ts";

/** What an error says, in one line. */
export function reasonOf(error: unknown): string {
  return shown(error instanceof Error ? error.message || error.name : String(error));
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
  const reader = body?.getReader();
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      const part = await next();
      if (part) return controller.enqueue(part);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => reader?.cancel(reason),
  };
  async function next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stalled = new Promise<never>((_, reject) => {
      const found = `nothing came for ${stallSeconds} seconds`;
      timer = setTimeout(
        () => reject(new OrasError("unreachable", action, found)),
        stallSeconds * 1000,
      );
    });
    try {
      while (reader) {
        const { value, done } = await Promise.race([reader.read(), stalled]);
        if (done) return undefined;
        // a byte stream takes no chunk without bytes
        if (value.length > 0) return value;
      }
      return undefined;
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
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > limit) return undefined;
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
