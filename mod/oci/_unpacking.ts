/** One artifact on its way out of what it is packed in. */

import { concat } from "@std/bytes/concat";
import { BUFFER_BYTES } from "../core/mod.ts";
import type { ByteStream } from "../oras/mod.ts";
import type { Line } from "./_line.ts";

/** Fewer bytes than these lie in memory of their own size. */
const SMALL_BYTES = 4096;

/**
 * Goes on where it was when its line broke: what unpacks keeps its state from one stream to the next. The
 * last {@linkcode BUFFER_BYTES} that it gave are kept: a reader that gave up may not have had them.
 */
export class Unpacking {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #line: Line;
  readonly #kept: Uint8Array[] = [];
  /** Where the kept bytes begin and end in the artifact. */
  #start = 0;
  #end = 0;
  #isWhole = false;
  /** Resolves when there is more; a failure stays. */
  #more?: Promise<void>;

  /** `pieces` come over `line`. */
  constructor(pieces: AsyncIterable<Uint8Array>, line: Line) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#line = line;
  }

  /** Whether the bytes from `offset` on can be had without starting over. */
  reaches(offset: number): boolean {
    return offset >= this.#start && offset <= this.#end;
  }

  /**
   * The bytes from `offset` on, as far as one connection brings them; it is there until `signal` ends it.
   * Resolves when the first of them are there: what lies before them may take long, and brings nothing.
   */
  async from(offset: number, signal?: AbortSignal): Promise<ByteStream> {
    const left = new AbortController();
    this.#line.restore(signal ? AbortSignal.any([signal, left.signal]) : left.signal);
    await this.#next(offset);
    let position = offset;
    const source: UnderlyingByteSource = {
      type: "bytes",
      pull: async (controller) => {
        const piece = await this.#next(position);
        const view = controller.byobRequest?.view;
        if (!piece) {
          controller.close();
          controller.byobRequest?.respond(0);
        } else if (view) {
          const some = piece.subarray(0, view.byteLength);
          new Uint8Array(view.buffer, view.byteOffset).set(some);
          position += some.length;
          controller.byobRequest?.respond(some.length);
        } else {
          position += piece.length;
          // a copy, also of what is a node Buffer: the stream takes it away from its owner
          controller.enqueue(new Uint8Array(piece));
        }
      },
      cancel: () => left.abort(),
    };
    return new ReadableStream(source);
  }

  /** What comes at `position`; undefined at the end. */
  async #next(position: number): Promise<Uint8Array | undefined> {
    let piece = this.#piece(position);
    while (!piece && !this.#isWhole) {
      await this.#wait();
      piece = this.#piece(position);
    }
    return piece;
  }

  /** What is kept from `position` to the end of a piece. */
  #piece(position: number): Uint8Array | undefined {
    let start = this.#end;
    for (const piece of this.#kept.toReversed()) {
      if (position >= start) break;
      start -= piece.length;
      if (position >= start) return piece.subarray(position - start);
    }
  }

  /** Resolves when there is more; fails when the line has broken, or for good. */
  #wait(): Promise<void> {
    this.#more ??= this.#advance();
    return new Promise((resolve, reject) => {
      this.#line.broke = reject;
      this.#more?.then(resolve, reject);
    });
  }

  async #advance(): Promise<void> {
    const { value, done } = await this.#pieces.next();
    this.#more = undefined;
    if (done) {
      this.#isWhole = true;
      return;
    }
    const last = this.#kept.at(-1);
    // pieces of a byte are kept together: each of them may lie in memory of many
    if (last && last.length + value.length <= SMALL_BYTES) {
      this.#kept.splice(-1, 1, concat([last, value]));
    } else {
      this.#kept.push(value.length < SMALL_BYTES ? new Uint8Array(value) : value);
    }
    this.#end += value.length;
    while (this.#end - this.#start - this.#kept[0].length >= BUFFER_BYTES) {
      this.#start += this.#kept.shift()?.length ?? 0;
    }
  }
}
