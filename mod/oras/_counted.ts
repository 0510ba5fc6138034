/** Bytes counted on their way. */

import type { ByteStream } from "./content.ts";

/** The same bytes; `count` is told of each chunk's length when it is handed on. */
export function counted(stream: ByteStream, count: (bytes: number) => void): ByteStream {
  const reader = stream.getReader();
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      let { value, done } = await reader.read();
      // A byte stream refuses empty chunks.
      while (!done && value?.length === 0) ({ value, done } = await reader.read());
      if (value !== undefined) {
        count(value.length);
        controller.enqueue(value);
        return;
      }
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => reader.cancel(reason),
  };
  return new ReadableStream(source);
}
