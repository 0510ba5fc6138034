/** Bytes that are checked on their way. */

import { createHash, type Hash } from "node:crypto";

/** What the bytes of a package have to be. */
export interface Promised {
  readonly size: number;
  readonly sha1: string;
}

/** What is wrong with the bytes. */
export interface Fault {
  readonly kind: "size" | "hash";
  readonly found: string;
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

  /** What comes from now on begins at `offset`. */
  begin(offset: number): void {
    if (offset === 0) this.#hash = createHash("sha1");
    else if (offset !== this.#at) this.#hash = undefined;
    this.#at = offset;
  }

  /** What is wrong with the bytes, these included; the last ones tell whether all of them are right. */
  take(bytes: Uint8Array): Fault | undefined {
    this.#at += bytes.length;
    this.#hash?.update(bytes);
    const { size, sha1 } = this.#promised;
    if (this.#at > size) {
      return { kind: "size", found: `more than the ${size} bytes that were promised` };
    }
    const found = this.#at === size ? this.#hash?.copy().digest("hex") : undefined;
    return found === undefined || found === sha1
      ? undefined
      : { kind: "hash", found: `SHA-1 ${found} where ${sha1} was promised` };
  }
}
