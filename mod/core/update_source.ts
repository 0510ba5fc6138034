/**
 * Where releases come from.
 *
 * @module
 */

import type { Artifact, Release } from "./release.ts";

/** An artifact's bytes, from `offset` on. */
export interface ArtifactBody {
  /** Where the bytes start: what was asked for, or 0 where the source cannot start elsewhere. */
  readonly offset: number;
  /** Length of the whole artifact in bytes, where the source says. */
  readonly size?: number;
  /** The bytes: a byte stream, so that they are read into one buffer again and again. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * Looks at the bytes in order, piece by piece, before they are written. What it throws ends the transfer
   * as a failure of the stream does.
   */
  readonly watch?: (bytes: Uint8Array) => void;
}

/** A source gives nothing now, which does not say that there is nothing. */
export interface Withheld {
  /** Why, in one line of words. */
  readonly withheld: string;
  /** It was not even asked: what it last said still holds. */
  readonly unasked?: true;
}

/** Most releases that one may name as stepping stones to itself. */
export const MAX_STEPPING_STONES = 32;

/** One place that releases come from. */
export interface UpdateSource {
  /** For messages: what and where it is. */
  readonly name: string;
  /**
   * What the source offers now; undefined where it knows that the newest version runs, or that there is
   * nothing for this node.
   * @throws {UpdateError} `source` where it does not answer, `verification` where the answer is no
   * release.
   */
  latest(signal?: AbortSignal): Promise<Release | Withheld | undefined>;
  /**
   * Older releases that lead to the one that {@linkcode UpdateSource.latest} gave, in any order. Asked
   * for only where that one cannot be taken from the version that runs; absent where there never are any.
   * @throws {UpdateError} as `latest` does.
   */
  steppingStones?(signal?: AbortSignal): Promise<readonly Release[]>;
  /**
   * Starts one transfer. A connection that breaks later makes the stream fail; the caller asks again
   * with what it has, unless the stream fails with an {@linkcode UpdateError}.
   * @throws {SourceInterrupted} where asking again may help.
   * @throws {UpdateError} `source` where it will not.
   */
  open(artifact: Artifact, offset: number, signal?: AbortSignal): Promise<ArtifactBody>;
}

/** A failure of a source that may pass: the transfer asks again. */
export class SourceInterrupted extends Error {
  /** Tells it from other errors. */
  override readonly name = "SourceInterrupted";
}
