/** Bytes that are checked on their way. */

import { createHash, type Hash } from "node:crypto";

/** What is wrong with the bytes. */
type Fault = readonly [kind: "size" | "hash", found: string];

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

/** What the bytes of a package have to be. */
export interface Promised {
  readonly size: number;
  readonly sha1: string;
}

/**
 * Size and SHA-1 of one package, over all connections that bring it. Of bytes that came in an earlier run
 * of the agent there is no SHA-1 to go on from: they are in their SHA-256, as everything is.
 */
export class Checks {
  readonly #promised: Promised;
  #hash?: Hash = createHash("sha1");
  #at = 0;

  /** Nothing has come yet. */
  constructor(promised: Promised) {
    this.#promised = promised;
  }

  /**
   * The same bytes, which begin at `offset`. The stream fails with what `refuse` makes of the reason where
   * they are too many, or all there and not the right ones.
   */
  past(
    stream: Bytes,
    offset: number,
    refuse: (...fault: Fault) => Error,
  ): Bytes {
    if (offset === 0) this.#hash = createHash("sha1");
    else if (offset !== this.#at) this.#hash = undefined;
    this.#at = offset;
    const reader = stream.getReader();
    const source: UnderlyingByteSource = {
      type: "bytes",
      pull: async (controller) => {
        let { value, done } = await reader.read();
        // a byte stream refuses empty chunks
        while (!done && value?.length === 0) ({ value, done } = await reader.read());
        const fault = value && this.#take(value);
        if (fault) {
          await reader.cancel().catch(() => {});
          throw refuse(...fault);
        }
        if (value) return controller.enqueue(value);
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel: (reason) => reader.cancel(reason),
    };
    return new ReadableStream(source);
  }

  /** The last bytes are handed on only once all are known to be right: with them, nobody asks again. */
  #take(bytes: Uint8Array): Fault | undefined {
    this.#at += bytes.length;
    this.#hash?.update(bytes);
    const { size, sha1 } = this.#promised;
    if (this.#at > size) return ["size", `more than the ${size} bytes that were promised`];
    const found = this.#at === size ? this.#hash?.copy().digest("hex") : undefined;
    return found === undefined || found === sha1
      ? undefined
      : ["hash", `SHA-1 ${found} where ${sha1} was promised`];
  }
}
