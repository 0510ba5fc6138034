/** The line to whoever holds the layers: it breaks, and is restored. */

import { reasonOf, SourceInterrupted } from "../core/mod.ts";
import { type ByteStream, type Descriptor, type Fetcher, OrasError } from "../oras/mod.ts";

/** Gives bytes of layers over as many connections as it takes. */
export class Line {
  /** Told when a connection has broken; from then on the bytes wait for {@linkcode Line.restore}. */
  broke: (error: SourceInterrupted) => void = () => {};
  readonly #fetcher: Fetcher;
  #signal: AbortSignal = new AbortController().signal;
  #restored = Promise.withResolvers<void>();

  /** There is no connection yet. */
  constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher;
  }

  /** From here on bytes come again, until `signal` ends the connection. */
  restore(signal: AbortSignal): void {
    this.#signal = signal;
    this.#restored.resolve();
  }

  /** All bytes of a layer. */
  bytes(layer: Descriptor): ByteStream {
    return ReadableStream.from(this.#bytes(layer));
  }

  async *#bytes(layer: Descriptor): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let offset = 0;;) {
      await this.#restored.promise;
      const signal = this.#signal;
      try {
        for await (const part of await this.#fetcher.fetch(layer, { offset, signal })) {
          offset += part.length;
          yield part;
        }
        return;
      } catch (error) {
        const isUnreachable = error instanceof OrasError && error.code === "unreachable";
        if (!signal.aborted && !isUnreachable) throw error;
        // otherwise it has been restored meanwhile
        if (signal === this.#signal) {
          this.#restored = Promise.withResolvers();
          this.broke(new SourceInterrupted(reasonOf(error), { cause: error }));
        }
      }
    }
  }
}
