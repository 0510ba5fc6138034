/** Bytes looked at on their way. */

import type { ByteStream } from "./content.ts";

/** What is done with the bytes of a stream as they pass; what `chunk` and `end` throw fails the stream. */
export interface Watcher {
  /** Called with each chunk, before it is handed on. */
  chunk?(bytes: Uint8Array): void;
  /** Called once all have passed, before the stream ends. */
  end?(): void;
  /** Called with why the stream fails, before its reader hears of it. */
  fail?(error: unknown): void;
}

/** The same bytes, past a watcher. */
export function watched(stream: ByteStream, watcher: Watcher): ByteStream {
  const reader = stream.getReader();
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      try {
        let { value, done } = await reader.read();
        // A byte stream refuses empty chunks, and some sources have them.
        while (!done && value?.length === 0) ({ value, done } = await reader.read());
        if (value) {
          watcher.chunk?.(value);
          controller.enqueue(value);
          return;
        }
        watcher.end?.();
        controller.close();
        controller.byobRequest?.respond(0);
      } catch (error) {
        watcher.fail?.(error);
        await reader.cancel().catch(() => {});
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  };
  return new ReadableStream(source);
}
