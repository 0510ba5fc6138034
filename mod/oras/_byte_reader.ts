/** Bytes that come in pieces, taken by the number. */

import { OrasError } from "./errors.ts";

/** Reads a stream of pieces as one run of bytes. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #action: string;
  #piece: Uint8Array = new Uint8Array();
  #position = 0;

  /** `action` is for messages: what the bytes are read for. */
  constructor(pieces: AsyncIterable<Uint8Array>, action: string) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#action = action;
  }

  /** How many bytes have been taken. */
  get position(): number {
    return this.#position;
  }

  /** Whether there are no more bytes. */
  async ended(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const { value, done } = await this.#pieces.next();
      if (done) return true;
      this.#piece = value;
    }
    return false;
  }

  /** At least one byte, and at most `limit`, without a copy; `content` where there are no more. */
  async some(limit: number): Promise<Uint8Array> {
    if (await this.ended()) throw this.wrong("ends too early");
    const some = this.#piece.subarray(0, limit);
    this.#piece = this.#piece.subarray(some.length);
    this.#position += some.length;
    return some;
  }

  /** So many bytes, of which the caller knows that memory has room for them. */
  async exactly(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(count);
    for (let done = 0; done < count;) {
      const some = await this.some(count - done);
      bytes.set(some, done);
      done += some.length;
    }
    return bytes;
  }

  /** So many bytes, piece by piece. */
  async *pieces(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0;) {
      const some = await this.some(left);
      left -= some.length;
      yield some;
    }
  }

  /** Passes over everything before `position`. */
  async skipTo(position: number): Promise<void> {
    while (this.#position < position) await this.some(position - this.#position);
  }

  /** An error for what was found. */
  wrong(found: string): OrasError {
    return new OrasError("content", this.#action, found);
  }
}
