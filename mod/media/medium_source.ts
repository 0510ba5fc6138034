/**
 * Any source whose bytes lie on a medium that may be pulled.
 *
 * @module
 */

import {
  type Artifact,
  type ArtifactBody,
  reasonOf,
  type Release,
  UpdateError,
  type UpdateSource,
  type Withheld,
} from "../core/mod.ts";

/** Bytes that are read at once where the reader has no buffer of its own. */
const CHUNK_BYTES = 256 << 10;

/** What to do about a medium that cannot be read. */
export const MEDIUM_ADVICE =
  "nothing was staged; see that the medium is whole and in place, and run it again";

/**
 * The same releases; but what cannot be read is not asked for again, as a server would be: a stick that
 * is gone does not come back by itself.
 */
export class MediumSource implements UpdateSource {
  readonly #source: UpdateSource;

  /** `source` reads files. */
  constructor(source: UpdateSource) {
    this.#source = source;
  }

  /** For messages: that of the source. */
  get name(): string {
    return this.#source.name;
  }

  /** As the source has it. @throws {UpdateError} `source` where the medium cannot be read. */
  latest(signal?: AbortSignal): Promise<Release | Withheld | undefined> {
    return this.#explained(`reading ${this.name}`, () => this.#source.latest(signal));
  }

  /** As the source has them. @throws {UpdateError} `source` where the medium cannot be read. */
  async steppingStones(signal?: AbortSignal): Promise<readonly Release[]> {
    return await this.#explained(
      `reading ${this.name}`,
      async () => await this.#source.steppingStones?.(signal) ?? [],
    );
  }

  /**
   * As the source has it; the stream fails with an {@linkcode UpdateError}, so that nobody asks again.
   * @throws {UpdateError} `source` where the medium cannot be read.
   */
  async open(artifact: Artifact, offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    const operation = `fetching ${artifact.name} from ${this.name}`;
    const body = await this.#explained(
      operation,
      () => this.#source.open(artifact, offset, signal),
    );
    const reader = body.stream.getReader({ mode: "byob" });
    const stream = new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        // into the reader's own buffer, where it has brought one: memory stays flat
        const request = controller.byobRequest;
        const view = request?.view as Uint8Array<ArrayBuffer> | undefined;
        const { value, done } = await this.#explained(
          operation,
          () => reader.read(view ?? new Uint8Array(CHUNK_BYTES)),
        );
        if (done) controller.close();
        if (request && value) request.respondWithNewView(value);
        else if (value?.length) controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    });
    return { ...body, stream };
  }

  async #explained<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const known = error instanceof UpdateError ? error : undefined;
      if (known && known.code !== "source") throw known;
      throw new UpdateError("source", {
        operation: known?.operation ?? operation,
        found: known?.found ?? reasonOf(error),
        advice: MEDIUM_ADVICE,
        cause: error,
      });
    }
  }
}
