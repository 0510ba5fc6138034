/**
 * The system partitions.
 *
 * @module
 */

import type { Hash } from "node:crypto";
import type { SlotFloor } from "./floor.ts";
import type { Artifact, ArtifactName, Release } from "./release.ts";
import type { Slot } from "./slot.ts";

/** Where an artifact's bytes go, and from where a transfer takes up again. */
export interface ArtifactSink {
  /** Bytes that are already there, with their hash: the transfer goes on behind them. */
  readonly offset: number;
  /** SHA-256 over those bytes. */
  readonly hash: Hash;
  /** No more than this many bytes fit. */
  readonly limit: number;
  /** Appends. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Throws away what is there and starts at 0. */
  restart(): void | Promise<void>;
}

/** Moves one artifact from its source into a sink; resolves when size and digest are right. */
export type Fetch = (artifact: Artifact, sink: ArtifactSink) => Promise<void>;

/** How far an interrupted write got: so many bytes of that artifact are durably in the slot. */
export interface Mark {
  /** {@linkcode Artifact.sha256}. */
  readonly sha256: string;
  /** Bytes. */
  readonly bytes: number;
}

/** Keeps {@linkcode Mark}s from one run of the agent to the next. */
export interface Marks {
  /** The mark of this artifact, where one was kept. */
  of(artifact: Artifact): number;
  /** Resolves when the mark is durable. */
  keep(mark: Mark): Promise<void>;
}

/** What a slot holds. */
export interface SlotContents {
  /** Text of its `version` file, where there is one. */
  readonly version?: string;
  /** What was kept beside the release in it, where that can be read. */
  readonly floor?: SlotFloor;
  /** Undefined: it holds a whole system. Otherwise: why it does not, or why that cannot be told. */
  readonly problem?: string;
}

/** Room for a release, in bytes. */
export interface Room {
  /** Bytes that a release may have in all. */
  readonly available: number;
  /** Artifacts of it that the slot seems to hold: by its own list of digests, and by their sizes. */
  readonly kept?: readonly ArtifactName[];
}

/** The two system partitions. Implemented by `mod/slots/`. */
export interface SlotStore {
  /**
   * Looks into a slot without writing a byte to it; no file is hashed.
   * @throws {UpdateError} `slot` where there is no such partition, or more than one.
   */
  inspect(slot: Slot): Promise<SlotContents>;
  /**
   * How much a release of this kind may need at most: what is free, and what writing would replace.
   * @throws {UpdateError} `slot` as above, or where it is mounted elsewhere or cannot be written.
   */
  room(slot: Slot, release: Release): Promise<Room>;
  /**
   * Resolves only when `slot`, read back from its disk, is `release`. While it works, and after it
   * failed, nothing in the slot can be booted.
   * @throws {UpdateError} `slot` where it cannot be written, where `slot` is `running`, or where it is
   * mounted elsewhere; and whatever `fetch` throws.
   */
  write(
    slot: Slot,
    order: {
      /** The slot that must not be touched. */
      readonly running: Slot;
      readonly release: Release;
      readonly fetch: Fetch;
      readonly marks: Marks;
      /** Kept beside a release of files; an image has what it brings. */
      readonly floor?: SlotFloor;
    },
  ): Promise<void>;
  /**
   * Resolves when every byte of the slot was read and matched: to `artifacts` where given (what the
   * agent wrote there), else to the slot's own `SHA256SUMS`.
   * @throws {UpdateError} `verification` where it does not match, `slot` where it cannot be read.
   */
  verify(slot: Slot, artifacts?: readonly Artifact[]): Promise<void>;
}
