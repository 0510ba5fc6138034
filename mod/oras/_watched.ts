/** Bytes looked at on their way. */

import type { ByteStream } from "./content.ts";

/** What is done with the bytes of a stream as they pass; what either throws fails the stream. */
export interface Watcher {
  /** Called with each chunk, before it is handed on. */
  chunk(bytes: Uint8Array): void;
  /** Called once all have passed, before the stream ends. */
  end?(): void;
}

/** The same bytes, past a watcher. */
export function watched(stream: ByteStream, watcher: Watcher): ByteStream {
  const reader = stream.getReader();
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      let { value, done } = await reader.read();
      // A byte stream refuses empty chunks, and some sources have them.
      while (!done && value?.length === 0) ({ value, done } = await reader.read());
      if (value === undefined) {
        watcher.end?.();
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      try {
        watcher.chunk(value);
      } catch (error) {
        await reader.cancel().catch(() => {});
        throw error;
      }
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  };
  return new ReadableStream(source);
}
