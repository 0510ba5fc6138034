/**
 * Updates from an OCI registry, or anything else that holds OCI content.
 *
 * @module
 */

import {
  type Artifact,
  type ArtifactBody,
  earliest,
  followRoots,
  MAX_STEPPING_STONES,
  oneLine,
  reasonOf,
  type Release,
  releaseWith,
  SourceInterrupted,
  type Trust,
  UpdateError,
  type UpdateSource,
} from "../core/mod.ts";
import { isDigest, isTag, OrasError, type ReadOnlyTarget } from "../oras/mod.ts";
import { explained, findRelease } from "./_find_release.ts";
import { Line } from "./_line.ts";
import { piecesOf, type Searched } from "./_pieces.ts";
import { findRoot } from "./_roots.ts";
import { Unpacking } from "./_unpacking.ts";
import type { OciRelease, Place } from "./release_of.ts";

/** Most characters that are shown of a list that is none. */
const MAX_SHOWN = 200;

/** What an {@linkcode OciSource} reads. */
export interface OciSourceOptions {
  /** For messages: `registry.lan/os/kubesolo:stable`. */
  readonly name: string;
  /** A repository, or a layout. */
  readonly target: ReadOnlyTarget;
  /** Tag or digest of the release. */
  readonly reference: string;
  /** The node's, as `uname -m` says it. */
  readonly architecture: string;
  /** Judges manifests; undefined where no key is configured. */
  readonly trust?: Trust;
}

/**
 * A release by its tag, in the form of an artifact or of a container image. The metadata are the manifest's
 * annotations, or else the labels in a container image's configuration: nothing but these is fetched before
 * the gates have seen them. An index is resolved for the node's architecture. Where there is a trust, the
 * index or the manifest has to be signed.
 */
export class OciSource implements UpdateSource {
  /** For messages. */
  readonly name: string;
  #options: OciSourceOptions;
  #known: readonly OciRelease[] = [];
  readonly #searched: Searched = new Map();
  #unpacking?: { readonly sha256: string; readonly work: Unpacking };

  /** Nothing is asked until a method is called. */
  constructor(options: OciSourceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /**
   * What the tag names now.
   * @throws {UpdateError} `source` where it cannot be had, `verification` where it is no release for this
   * architecture.
   */
  async latest(signal?: AbortSignal): Promise<Release> {
    const { target, reference, trust } = this.#options;
    try {
      if (trust?.chain) {
        await followRoots(trust.chain, (version) => findRoot(target, this.name, version, signal));
      }
    } catch (error) {
      throw explained(`reading the roots of trust of ${this.name}`, error);
    }
    const found = await findRelease(this.#options, reference, this.name, signal);
    this.#known = [found];
    return found.release;
  }

  /**
   * The releases in the same repository that the one named last calls its stepping stones, one manifest
   * each.
   * @throws {UpdateError} as {@linkcode OciSource.latest} does, naming the stepping stone.
   */
  async steppingStones(signal?: AbortSignal): Promise<readonly Release[]> {
    const [newest] = this.#known;
    if (!newest) return [];
    const references = newest.steppingStones;
    const isGood = (reference: string) => isTag(reference) || isDigest(reference);
    if (references.length > MAX_STEPPING_STONES || !references.every(isGood)) {
      throw new UpdateError("verification", {
        operation: `reading the stepping stones of ${this.name}`,
        found: oneLine(references.join(", ").slice(0, MAX_SHOWN)),
        advice: `publish it with at most ${MAX_STEPPING_STONES} tags or digests there`,
      });
    }
    const { expires, metadataVersion } = newest.release;
    const stones: OciRelease[] = [];
    for (const reference of references) {
      const name = `${this.name}, stepping stone ${reference}`;
      const { release, ...rest } = await findRelease(this.#options, reference, name, signal);
      stones.push({
        ...rest,
        release: {
          ...release,
          expires: earliest(release.expires, expires),
          // a digest in today's metadata is as new as they are; what a tag names has to be so itself
          ...isDigest(reference) && { metadataVersion },
        },
      });
    }
    this.#known = [newest, ...stones];
    return stones.map(({ release }) => release);
  }

  /**
   * An artifact, from `offset` on; what is packed comes unpacked, and where another process has left it, it
   * starts over.
   * @throws {SourceInterrupted} where asking again may help.
   * @throws {UpdateError} `source` or `verification` where it will not; the stream fails likewise.
   */
  async open(artifact: Artifact, offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    const operation = `fetching ${artifact.name} from ${this.name}`;
    const place = releaseWith(this.#known, artifact)?.places.get(artifact.name);
    if (!place) {
      throw new UpdateError("source", {
        operation,
        found: "the release, as it was last read, has no such artifact",
        advice: "run it again: the release may have been replaced",
      });
    }
    if (place.kind === "file" || place.packing !== "none") {
      return await this.#unpack(artifact, place, offset, signal);
    }
    try {
      const stream = await this.#options.target.fetch(place.layer, { offset, signal });
      return { offset, size: place.layer.size, stream };
    } catch (error) {
      if (error instanceof OrasError && error.code === "unreachable") {
        throw new SourceInterrupted(reasonOf(error), { cause: error });
      }
      throw explained(operation, error);
    }
  }

  async #unpack(
    artifact: Artifact,
    place: Place,
    asked: number,
    signal?: AbortSignal,
  ): Promise<ArtifactBody> {
    let unpacking = this.#unpacking;
    if (unpacking?.sha256 !== artifact.sha256 || !unpacking.work.reaches(asked)) {
      const line = new Line(this.#options.target);
      const pieces = this.#explained(artifact, piecesOf(artifact, place, line, this.#searched));
      unpacking = { sha256: artifact.sha256, work: new Unpacking(pieces, line) };
      this.#unpacking = unpacking;
    }
    const offset = unpacking.work.reaches(asked) ? asked : 0;
    const stream = await unpacking.work.from(offset, signal);
    return { offset, size: artifact.size, stream };
  }

  async *#explained(
    { name }: Artifact,
    pieces: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces;
    } catch (error) {
      throw explained(`fetching ${name} from ${this.name}`, error);
    }
  }
}
