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
import { chooseManifest, releaseOf } from "./release_of.ts";

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
 * A release by its tag. The metadata are the manifest's annotations, so that nothing else is fetched
 * before the gates have seen them; an index is resolved for the node's architecture.
 */
export class OciSource implements UpdateSource {
  /** For messages. */
  readonly name: string;
  #options: OciSourceOptions;
  #layers: ReadonlyMap<ArtifactName, Descriptor> = new Map();

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
      const { release, layers } = releaseOf(manifest as ImageManifest, this.name, platform);
      this.#layers = layers;
      return release;
    } catch (error) {
      throw this.#explain(`reading ${this.name}`, error);
    }
  }

  /**
   * The layer that holds an artifact, from `offset` on.
   * @throws {SourceInterrupted} where asking again may help.
   * @throws {UpdateError} `source` where it will not.
   */
  async open(artifact: Artifact, offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    const operation = `fetching ${artifact.name} from ${this.name}`;
    const layer = this.#layers.get(artifact.name);
    if (!layer) {
      throw new UpdateError("source", {
        operation,
        found: "the release, as it was last read, has no such layer",
        advice: "run it again: the release may have been replaced",
      });
    }
    try {
      const stream = await this.#options.target.fetch(layer, { offset, signal });
      return { offset, size: layer.size, stream };
    } catch (error) {
      if (error instanceof OrasError && error.code === "unreachable") {
        throw new SourceInterrupted(reasonOf(error), { cause: error });
      }
      throw this.#explain(operation, error);
    }
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
