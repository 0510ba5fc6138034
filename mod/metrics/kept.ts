/**
 * What is dear to read, read seldom.
 *
 * @module
 */

/** How a {@linkcode Kept} value is read. All times are in milliseconds. */
export interface KeptOptions<T> {
  /** Reads it. */
  read(): Promise<T>;
  /** How long a value is good. */
  readonly goodFor: number;
  /** How long after a failure it is tried again. */
  readonly retryAfter: number;
  /** How long {@linkcode Kept.get} waits for a new value. */
  readonly patience: number;
}

/** A value that is read when it is asked for, never twice at once, and kept for a while. */
export class Kept<T> {
  readonly #options: KeptOptions<T>;
  #reading?: Promise<T>;
  #last?: { readonly value: Promise<T>; readonly until: number };

  /** Nothing is read yet. */
  constructor(options: KeptOptions<T>) {
    this.#options = options;
  }

  /**
   * The value, no older than it may be.
   *
   * @throws {Error} what reading it threw; or that it took too long: it goes on, for whoever asks next.
   */
  async get(): Promise<T> {
    if (this.#last && performance.now() < this.#last.until) return await this.#last.value;
    const reading = this.#reading ??= this.#read();
    const { patience } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`no answer within ${patience / 1000} seconds`);
      timer = setTimeout(() => reject(error), patience);
    });
    try {
      return await Promise.race([reading, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #read(): Promise<T> {
    const { read, goodFor, retryAfter } = this.#options;
    const value = read();
    const keep = (milliseconds: number) => {
      this.#last = { value, until: performance.now() + milliseconds };
      this.#reading = undefined;
    };
    value.then(() => keep(goodFor), () => keep(retryAfter));
    return value;
  }
}
