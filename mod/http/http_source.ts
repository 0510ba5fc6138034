/**
 * An update server: `latest.json` and the artifacts that it names, over HTTP.
 *
 * @module
 */

import {
  adviceOnHandshake,
  type Artifact,
  type ArtifactBody,
  followRoots,
  refuseRepeated,
  type Release,
  releaseWith,
  SourceInterrupted,
  type Trust,
  UpdateError,
  type UpdateSource,
} from "../core/mod.ts";
import { identify, latestUrl, printable } from "./_address.ts";
import { openArtifact } from "./_artifact.ts";
import { type Requests, retryAfter, waitingAsTold } from "./_get.ts";
import { type Metadata, readMetadata } from "./_metadata.ts";
import { requestsOf, sleep } from "./_requests.ts";
import { findRoot, withSignatures } from "./_signatures.ts";
import { Validators } from "./_validators.ts";
import type { HttpOptions } from "./http_options.ts";
import { type Latest, parseLatest, parseSteppingStones } from "./latest.ts";
import { FIRST_WAIT_MILLISECONDS, METADATA_SECONDS, METADATA_TRIES } from "./limits.ts";

/**
 * A server that publishes `latest.json`. A user and a password in its URL go to that server alone,
 * also where it redirects elsewhere, and are never shown.
 *
 * Artifacts are taken as the server has them, also where it marks a `.gz` file with
 * `Content-Encoding: gzip`.
 */
export class HttpSource implements UpdateSource, Disposable {
  /** The address of `latest.json`. */
  readonly name: string;
  #latest: URL;
  #requests: Requests;
  #trust?: Trust;
  #metadataSeconds: number;
  #sleep: (milliseconds: number) => Promise<void>;
  #validators = new Validators();
  #document?: Metadata;
  #signedBy?: readonly string[];
  #known: readonly Latest[] = [];

  /**
   * The server at `server`: a directory with a `latest.json`, or the URL of a `.json` itself.
   *
   * @throws {UpdateError} `usage` where that is no http or https URL.
   */
  constructor(server: string | URL, options: HttpOptions = {}) {
    const identified = identify(latestUrl(server));
    this.#latest = identified.url;
    this.name = printable(identified.url);
    this.#requests = requestsOf(identified, options);
    this.#trust = options.trust;
    this.#metadataSeconds = options.metadataSeconds ?? METADATA_SECONDS;
    this.#sleep = options.sleep ?? sleep;
  }

  /**
   * What `latest.json` says now; failures that may pass are tried {@linkcode METADATA_TRIES} times.
   *
   * @throws {UpdateError} `source` where the server does not answer well, `verification` where the
   * answer is no release, or not signed as the trust wants it.
   */
  async latest(signal?: AbortSignal): Promise<Release> {
    for (let tries = 1;; tries++) {
      try {
        const how = [this.#requests, this.#metadataSeconds, signal] as const;
        if (this.#trust?.chain) {
          await followRoots(
            this.#trust.chain,
            (version) => findRoot(this.#latest, version, ...how),
          );
        }
        const document = await readMetadata(this.#latest, ...how);
        const signedBy = await this.#judge(document, signal);
        const latest = parseLatest(document.bytes, document.url);
        this.#document = document;
        this.#signedBy = signedBy;
        this.#known = [latest];
        return this.#signed(latest);
      } catch (error) {
        if (!(error instanceof SourceInterrupted)) throw error;
        if (tries >= METADATA_TRIES) throw this.#unreachable(error, tries);
        const wait = FIRST_WAIT_MILLISECONDS * 2 ** (tries - 1);
        await this.#sleep(Math.max(wait, retryAfter(error)));
      }
    }
  }

  /**
   * The stepping stones in the `latest.json` that was last read; nothing is asked for them.
   *
   * @throws {UpdateError} `verification` where one is no release.
   */
  steppingStones(): Promise<readonly Release[]> {
    return Promise.try(() => {
      const stones = this.#document ? parseSteppingStones(this.#document) : [];
      this.#known = [...this.#known.slice(0, 1), ...stones];
      return stones.map((stone) => this.#signed(stone));
    });
  }

  /**
   * The bytes of an artifact of a release that this source gave, from `offset` on where the
   * server can do that and still has the same file, else from 0.
   *
   * @throws {SourceInterrupted} for no answer, 408, 429 and 5xx; after the time that the server asked
   * for in `Retry-After`, within bounds.
   * @throws {UpdateError} `source` for any other refusal.
   */
  async open(artifact: Artifact, offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    const url = releaseWith(this.#known, artifact)?.urls.get(artifact.name);
    if (!url) {
      throw new UpdateError("source", {
        operation: `fetching ${artifact.name}`,
        found: `${this.name}, as it was last read, names no such artifact`,
        advice: "run it again: the release may have been replaced",
      });
    }
    return await waitingAsTold(
      () => openArtifact(url, offset, this.#requests, this.#validators, signal),
      this.#sleep,
    );
  }

  /** Ends the connections that it keeps for certificates of its own. */
  [Symbol.dispose](): void {
    this.#requests.client?.close();
  }

  /** A release of the document that was read last. */
  #signed({ release }: Latest): Release {
    return this.#signedBy ? { ...release, signedBy: this.#signedBy } : release;
  }

  /** The keys that have signed exactly this document; until then nothing in it is read. */
  async #judge(document: Metadata, signal?: AbortSignal): Promise<readonly string[] | undefined> {
    if (!this.#trust) return undefined;
    const seconds = this.#metadataSeconds;
    const statement = await withSignatures(
      this.#latest,
      document,
      this.#requests,
      seconds,
      signal,
    );
    const { signedBy } = await this.#trust.judge(statement);
    refuseRepeated(printable(document.url), document.bytes);
    return signedBy;
  }

  #unreachable(cause: Error, tries: number): UpdateError {
    return new UpdateError("source", {
      operation: `reading ${this.name}`,
      found: `${cause.message}, ${tries} times in a row`,
      advice: adviceOnHandshake(cause.message) ??
        "check the network and the server, and run it again",
      cause,
    });
  }
}
