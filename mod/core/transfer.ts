/**
 * One artifact, from its source into a slot: hashed on the way, taken up again where a connection
 * broke, bounded whatever the source sends.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { reasonOf, UpdateError } from "./errors.ts";
import type { Artifact } from "./release.ts";
import type { Reporter } from "./reporter.ts";
import type { ArtifactSink } from "./slot_store.ts";
import { SourceInterrupted, type UpdateSource } from "./update_source.ts";

/** Size of the one buffer that all bytes go through, in bytes. */
export const BUFFER_BYTES = 4 << 20;

/** Connections in a row that bring next to nothing before the source counts as unreachable. */
export const MAX_FRUITLESS_TRIES = 5;

/** A connection that brings fewer bytes than this brought next to nothing. */
export const MIN_BYTES_PER_TRY = 64 << 10;

/** A connection slower than this is given up. */
export const MIN_BYTES_PER_SECOND = 256;

/** Milliseconds before the first new try; each further wait is twice as long. */
export const FIRST_RETRY_MILLISECONDS = 500;

/** How a transfer waits and gives up. */
export interface TransferOptions {
  /** Hears how far it is. */
  readonly reporter: Reporter;
  /**
   * Seconds without a single byte after which a connection is given up; no wait between two
   * connections is longer either.
   */
  readonly stallSeconds: number;
  /** Resolves after so many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

/**
 * Resolves when `sink` has exactly the bytes that `artifact` names: size and SHA-256 are right.
 *
 * @returns the bytes that the source sent: fewer where a part was in the sink already, more where
 * some came twice.
 * @throws {UpdateError} `source` where the source stays away; `verification` where the bytes are not
 * the promised ones.
 */
export async function transfer(
  source: UpdateSource,
  artifact: Artifact,
  sink: ArtifactSink,
  options: TransferOptions,
): Promise<number> {
  const operation = `fetching ${artifact.name} from ${source.name}`;
  const progress = (done: number, total = artifact.size) =>
    options.reporter.report({
      kind: "progress",
      artifact: artifact.name,
      action: "fetch",
      done,
      total,
    });
  let { offset, hash } = sink;
  let takenUp = offset > 0;
  let fruitless = 0;
  let furthest = offset;
  let received = 0;
  let buffer = new Uint8Array(BUFFER_BYTES);
  if (offset > 0) {
    const message = offset === artifact.size
      ? `${artifact.name} is in the slot already`
      : `going on with ${artifact.name} behind the ${offset} bytes that are in the slot`;
    options.reporter.report({ kind: "step", message });
  }

  const startOver = async () => {
    await sink.restart();
    offset = 0;
    hash = createHash("sha256");
    takenUp = false;
  };
  const wait = () => {
    const milliseconds = FIRST_RETRY_MILLISECONDS * 2 ** (fruitless - 1);
    return options.sleep(Math.min(milliseconds, options.stallSeconds * 1000));
  };
  const refuse = (found: string) =>
    new UpdateError("verification", {
      operation,
      found,
      advice: "nothing was staged; have the release published again, or check what lies between",
    });

  while (true) {
    try {
      if (artifact.size === undefined || offset < artifact.size) {
        buffer = await receive();
      }
      const digest = hash.copy().digest("hex");
      if (digest === artifact.sha256) return received;
      if (!takenUp) {
        throw refuse(
          `SHA-256 ${digest} over ${offset} bytes where ${artifact.sha256} was promised`,
        );
      }
      // what an earlier run left may have been torn by a power cut: once more, from the start
      await startOver();
      furthest = 0;
      continue;
    } catch (error) {
      if (!(error instanceof SourceInterrupted)) throw error;
      // a source that cannot take up again must at least get further than it ever did
      fruitless = offset - furthest >= MIN_BYTES_PER_TRY ? 1 : fruitless + 1;
      furthest = Math.max(furthest, offset);
      if (fruitless > MAX_FRUITLESS_TRIES) {
        throw new UpdateError("source", {
          operation,
          found: `${error.message}, ${fruitless} times in a row, after ${offset} bytes`,
          advice: "check the network and the server, and run it again: it goes on where it stopped",
          cause: error,
        });
      }
      options.reporter.report({
        kind: "warning",
        message: `${operation}: ${error.message} after ${offset} bytes; trying again`,
      });
      await wait();
      buffer = new Uint8Array(BUFFER_BYTES);
    }
  }

  async function receive(): Promise<Uint8Array<ArrayBuffer>> {
    const abort = new AbortController();
    const body = await source.open(artifact, offset, abort.signal);
    const reader = body.stream.getReader({ mode: "byob" });
    const pace = new Pace(options.stallSeconds);
    const total = artifact.size ?? body.size;
    options.reporter.report({
      kind: "detail",
      message: `${source.name} sends ${artifact.name} from byte ${body.offset} of ${
        total ?? "an unknown number"
      }`,
    });
    const limit = total ?? sink.limit;
    let view = buffer;
    let least = 1;
    try {
      if (artifact.size !== undefined && body.size !== undefined && body.size !== artifact.size) {
        throw refuse(`the source sends ${body.size} bytes where ${artifact.size} were promised`);
      }
      if (total !== undefined && total > sink.limit) {
        throw tooLarge(operation, `${total} bytes`, sink.limit);
      }
      if (body.offset !== offset) await startOver();
      while (true) {
        const began = performance.now();
        // never more than there can be: what has come whole must not wait for the end of the stream
        const min = Math.max(1, Math.min(least, limit - offset));
        const { value, done } = await pace.bytes(min, () => reader.read(view, { min }));
        if (value?.byteLength) {
          body.watch?.(value);
          if (offset + value.byteLength > limit) {
            if (total === undefined) throw tooLarge(operation, "more", sink.limit);
            throw refuse(`the source sends more than the ${total} bytes that were promised`);
          }
          hash.update(value);
          await sink.write(value);
          offset += value.byteLength;
          received += value.byteLength;
          progress(offset, total);
        }
        if (value) view = new Uint8Array(value.buffer);
        if (done || !value) break;
        least = appetite(least, performance.now() - began);
      }
    } finally {
      abort.abort();
      await reader.cancel().catch(() => {});
    }
    if (total !== undefined && offset < total) {
      throw new SourceInterrupted(`the connection ended ${total - offset} bytes too early`);
    }
    return view;
  }
}

function tooLarge(operation: string, found: string, room: number): UpdateError {
  return new UpdateError("slot", {
    operation,
    found: `${found}, and the slot has room for ${room}`,
    advice: "nothing was staged; use a smaller release, or larger slots",
  });
}

/** Big bites while they come at once, small ones on a slow line, so that progress and stalls show. */
function appetite(least: number, milliseconds: number): number {
  if (milliseconds > 500) return 1;
  return milliseconds < 50 ? Math.min(least * 8, BUFFER_BYTES) : least;
}

/** Watches that bytes come, and not one by one for ever. */
class Pace {
  #seconds: number;
  #since = performance.now();
  #bytes = 0;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /**
   * What `read` brings; {@linkcode SourceInterrupted} where it fails, crawls, or brings too little, unless
   * the source knows that asking again will not help.
   */
  async bytes(
    least: number,
    read: () => Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>,
  ): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> {
    const amount = least === 1 ? "no bytes" : `fewer than ${least} bytes`;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stalled = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${amount} for ${this.#seconds} seconds`)),
        this.#seconds * 1000,
      );
    });
    try {
      const result = await Promise.race([read(), stalled]);
      this.#bytes += result.value?.byteLength ?? 0;
      const seconds = (performance.now() - this.#since) / 1000;
      if (seconds > this.#seconds && !result.done) {
        if (this.#bytes / seconds < MIN_BYTES_PER_SECOND) {
          throw new Error(`only ${this.#bytes} bytes in ${Math.round(seconds)} seconds`);
        }
        this.#since = performance.now();
        this.#bytes = 0;
      }
      return result;
    } catch (error) {
      if (error instanceof UpdateError) throw error;
      throw new SourceInterrupted(reasonOf(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}
