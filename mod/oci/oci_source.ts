/**
 * Updates from an OCI registry, or anything else that holds OCI content.
 *
 * @module
 */

import {
  adviceOnHandshake,
  type Artifact,
  type ArtifactBody,
  type ArtifactName,
  reasonOf,
  type Release,
  SourceInterrupted,
  UpdateError,
  type UpdateSource,
} from "../core/mod.ts";
import {
  type Descriptor,
  type ImageManifest,
  type Manifest,
  MAX_MANIFEST_BYTES,
  OrasError,
  parseManifest,
  readAll,
  type ReadOnlyTarget,
} from "../oras/mod.ts";
import { Line } from "./_line.ts";
import { piecesOf, type Searched } from "./_pieces.ts";
import { Unpacking } from "./_unpacking.ts";
import { chooseManifest } from "./choose_manifest.ts";
import {
  isContainerImage,
  isSelfDescribing,
  MAX_CONFIG_BYTES,
  parseImageConfig,
  releaseOfImage,
} from "./container_image.ts";
import { type OciRelease, type Place, releaseOf } from "./release_of.ts";

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
}

/**
 * A release by its tag, in the form of an artifact or of a container image. The metadata are the manifest's
 * annotations, or else the labels in a container image's configuration: nothing but these is fetched before
 * the gates have seen them. An index is resolved for the node's architecture.
 */
export class OciSource implements UpdateSource {
  /** For messages. */
  readonly name: string;
  #options: OciSourceOptions;
  #places: ReadonlyMap<ArtifactName, Place> = new Map();
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
    const { target, reference, architecture } = this.#options;
    try {
      const named = await target.resolve(reference);
      let manifest = await this.#read(named, signal);
      let platform: Descriptor["platform"];
      if (manifest.kind === "index") {
        const chosen = chooseManifest(manifest, architecture, this.name);
        platform = chosen.platform;
        manifest = await this.#read(chosen, signal);
      }
      const { release, places } = await this.#describe(manifest as ImageManifest, platform, signal);
      this.#places = places;
      return release;
    } catch (error) {
      throw this.#explain(`reading ${this.name}`, error);
    }
  }

  /**
   * An artifact, from `offset` on; what is packed comes unpacked, and where another process has left it, it
   * starts over.
   * @throws {SourceInterrupted} where asking again may help.
   * @throws {UpdateError} `source` or `verification` where it will not; the stream fails likewise.
   */
  async open(artifact: Artifact, offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    const operation = `fetching ${artifact.name} from ${this.name}`;
    const place = this.#places.get(artifact.name);
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
      throw this.#explain(operation, error);
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
      throw this.#explain(`fetching ${name} from ${this.name}`, error);
    }
  }

  async #describe(
    manifest: ImageManifest,
    platform?: Descriptor["platform"],
    signal?: AbortSignal,
  ): Promise<OciRelease> {
    if (!isContainerImage(manifest)) return releaseOf(manifest, this.name, platform);
    if (isSelfDescribing(manifest)) {
      return releaseOfImage(manifest, this.name, undefined, platform);
    }
    const { config } = manifest;
    const stream = await this.#options.target.fetch(config, { signal });
    const bytes = await readAll(config, stream, MAX_CONFIG_BYTES);
    return releaseOfImage(manifest, this.name, parseImageConfig(config, bytes), platform);
  }

  async #read(descriptor: Descriptor, signal?: AbortSignal): Promise<Manifest> {
    const stream = await this.#options.target.fetch(descriptor, { signal });
    return parseManifest(descriptor, await readAll(descriptor, stream, MAX_MANIFEST_BYTES));
  }

  #explain(operation: string, error: unknown): unknown {
    if (!(error instanceof OrasError)) return error;
    const isWrong = error.code === "content" || error.code === "reference";
    return new UpdateError(isWrong ? "verification" : "source", {
      operation,
      found: reasonOf(error),
      advice: isWrong
        ? "nothing was staged; have the release published again, or check what lies between"
        : adviceOnHandshake(reasonOf(error)) ??
          "check registry, repository, tag and credentials, and run it again",
      cause: error,
    });
  }
}
