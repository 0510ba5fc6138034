import { createHash, type Hash } from "node:crypto";
import {
  type Artifact,
  type ArtifactSink,
  type Fetch,
  type Marks,
  UpdateError,
} from "../core/mod.ts";

/** Where the bytes of one artifact end up. */
export interface SinkTarget {
  /** No more than this many bytes fit. */
  readonly limit: number;
  /** A mark at fewer bytes than this would be no use. */
  readonly leastMark: number;
  /** Takes the bytes that come at `offset`. */
  put(bytes: Uint8Array, offset: number): void;
  /** Resolves when everything that was put is durable. */
  settle(): Promise<void>;
  /** Throws away what was put. */
  clear(): void | Promise<void>;
}

/** Bytes that are there from an earlier run. */
export interface Beginning {
  readonly offset: number;
  /** SHA-256 over them. */
  readonly hash: Hash;
}

/** No bytes. */
export function nothing(): Beginning {
  return { offset: 0, hash: createHash("sha256") };
}

/** How far apart marks are, and where they are kept. */
export interface Marking {
  readonly marks: Marks;
  readonly markBytes: number;
}

/**
 * Fetches `artifact` into `target`, behind what is there already, and keeps marks on the way.
 * Resolves when all of it is durable.
 */
export async function fetchInto(
  target: SinkTarget,
  beginning: Beginning,
  artifact: Artifact,
  fetch: Fetch,
  marking: Marking,
): Promise<void> {
  const sink = new MarkedSink(target, beginning, artifact, marking);
  try {
    await fetch(artifact, sink);
  } catch (error) {
    // only for failures that are understood: after anything else nothing more is written
    if (error instanceof UpdateError) await sink.leave(error).catch(() => {});
    throw error;
  }
  await target.settle();
  // without a size a source would be asked for bytes beyond the end
  if (artifact.size !== undefined) await sink.mark();
}

class MarkedSink implements ArtifactSink {
  readonly offset: number;
  readonly hash: Hash;
  readonly limit: number;
  #target: SinkTarget;
  #sha256: string;
  #marking: Marking;
  /** Where the next bytes go. */
  #position: number;
  #marked: number;

  constructor(
    target: SinkTarget,
    beginning: Beginning,
    { sha256 }: Artifact,
    marking: Marking,
  ) {
    this.offset = beginning.offset;
    this.hash = beginning.hash;
    this.limit = target.limit;
    this.#position = beginning.offset;
    this.#target = target;
    this.#sha256 = sha256;
    this.#marking = marking;
    this.#marked = beginning.offset;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#target.put(bytes, this.#position);
    this.#position += bytes.length;
    if (this.#position - this.#marked >= this.#marking.markBytes) return this.mark();
  }

  async restart(): Promise<void> {
    await this.#target.clear();
    this.#position = 0;
    await this.#keep(0);
  }

  /** Resolves when what came so far will be found by the next run. */
  async mark(): Promise<void> {
    if (this.#position === this.#marked || this.#position < this.#target.leastMark) return;
    await this.#target.settle();
    await this.#keep(this.#position);
  }

  /** The transfer has failed: bytes that were merely too few are kept, wrong ones are not. */
  async leave({ code }: UpdateError): Promise<void> {
    if (code === "verification") await this.#keep(0);
    else await this.mark();
  }

  async #keep(bytes: number): Promise<void> {
    await this.#marking.marks.keep({ sha256: this.#sha256, bytes });
    this.#marked = bytes;
  }
}
